"""What the role that serves may do with the tables, which another role owns and migrates. Both are the operator's to make."""

from sqlalchemy import Connection, text

READ_WRITE = "SELECT, INSERT, UPDATE, DELETE"
GRANTS = {"payments": READ_WRITE, "idempotency_keys": READ_WRITE, "page_token_key": "SELECT"}


class UnsuitableRole(Exception):
    """The role may do more than its grants say, by itself or by what everybody may; str() says what to do."""


def grant(connection: Connection, role: str) -> None:
    """Gives `role` what serving takes and takes away from it what else it was given on these tables; changes nothing where it has that.

    Run after every migration, so that a new table's grants come with it. Default privileges would be wider: they are for all tables that
    the owner ever makes, with one list for all. Raises UnsuitableRole, and SQLAlchemy's errors where there is no such role.
    """
    schema, quoted = connection.execute(text("SELECT quote_ident(current_schema()), quote_ident(:role)"), {"role": role}).one()
    _check(connection, role)
    if not connection.execute(text("SELECT has_schema_privilege(:role, current_schema(), 'USAGE')"), {"role": role}).scalar_one():
        connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO {quoted}")
    connection.exec_driver_sql(f"REVOKE ALL ON {', '.join(GRANTS)}, alembic_version FROM {quoted}")
    for table, privileges in GRANTS.items():
        connection.exec_driver_sql(f"GRANT {privileges} ON {table} TO {quoted}")


def _check(connection: Connection, role: str) -> None:
    may = connection.execute(
        text("""
            SELECT rolsuper AS superuser, rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls AS administrator,
              pg_has_role(oid, current_user, 'MEMBER') AS owner, has_schema_privilege(oid, current_schema(), 'CREATE') AS creator
            FROM pg_roles WHERE oid = cast(quote_ident(:role) AS regrole)
        """),
        {"role": role},
    ).one()
    if may.superuser or may.administrator:
        raise UnsuitableRole(f"the role {role} is a superuser or administers roles or databases: serve as one that does not")
    if may.owner:
        raise UnsuitableRole(f"the role {role} is the one that migrates, or a member of it: serve as another one")
    if may.creator:
        raise UnsuitableRole(f"the role {role} may create tables: REVOKE CREATE on the schema FROM it, and FROM PUBLIC")
