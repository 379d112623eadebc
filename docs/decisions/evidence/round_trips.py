"""Measures what a create's transaction costs on the way to PostgreSQL: four statements in four round trips, or all in one.

Run it with `.venv/bin/python docs/decisions/evidence/round_trips.py`. It starts a PostgreSQL of its own and removes it again.
"""

import timeit
from collections.abc import Callable

import psycopg2
from psycopg2.extensions import connection as Connection
from scratch_database import scratch_database

INSERT = "INSERT INTO payment (amount) VALUES (12.34) RETURNING id"


def four(connection: Connection) -> None:
    """What psycopg2 does outside autocommit: BEGIN, SET LOCAL, INSERT and COMMIT, each waiting for its answer."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 5000")
        cursor.execute(INSERT)
        cursor.fetchone()
    connection.commit()


def one(connection: Connection) -> None:
    """A simple query of several statements is one transaction; the answer is that of the last statement."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = 5000; {INSERT}")
        cursor.fetchone()


def microseconds(function: Callable[[Connection], None], connection: Connection) -> float:
    count = 1_000
    return min(timeit.repeat(lambda: function(connection), number=count, repeat=5)) / count * 1e6


def main() -> None:
    with scratch_database() as url:
        connection = psycopg2.connect(url)
        connection.cursor().execute("CREATE TABLE payment (id bigint GENERATED ALWAYS AS IDENTITY, amount numeric(7, 2))")
        connection.cursor().execute("ALTER ROLE CURRENT_USER SET synchronous_commit = off")  # the disk's own time is not the question
        connection.commit()
        connection.close()
        for autocommit, function in ((False, four), (True, one)):
            connection = psycopg2.connect(url)
            connection.autocommit = autocommit
            print(f"{function.__name__} round trip(s): {microseconds(function, connection):.0f} µs a transaction on one machine")
            connection.close()
        show_scope(url)


def show_scope(url: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("SET LOCAL statement_timeout = 5000; SELECT current_setting('statement_timeout')")
    print("statement_timeout within the query:", cursor.fetchall()[0][0])
    cursor.execute("SELECT current_setting('statement_timeout')")
    print("statement_timeout after it:", cursor.fetchall()[0][0])
    try:
        cursor.execute("SET LOCAL statement_timeout = 5000; INSERT INTO payment (amount) VALUES (1.00); SELECT 1/0")
    except psycopg2.errors.DivisionByZero:
        cursor.execute("SELECT count(*) FROM payment WHERE amount = 1.00")
        print("rows left by a query whose last statement failed:", cursor.fetchall()[0][0])
    connection.close()


if __name__ == "__main__":
    main()
