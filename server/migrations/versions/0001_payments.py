"""Payments, idempotency keys and the key of page tokens."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE payments (
            id uuid PRIMARY KEY,
            status smallint NOT NULL CHECK (status IN (1, 2)),
            data jsonb NOT NULL,
            payment numeric(7, 2) NOT NULL CHECK (payment >= 0),
            revision bigint NOT NULL DEFAULT 1,
            create_time timestamptz NOT NULL DEFAULT now(),
            update_time timestamptz NOT NULL DEFAULT now(),
            -- Bytes of the document as text: a page of the list ends at a size without reading documents it will not return.
            data_size integer NOT NULL GENERATED ALWAYS AS (octet_length(data::text)) STORED
        )
    """)
    op.execute("CREATE INDEX payments_status_id ON payments (status, id)")
    op.execute("""
        CREATE TABLE idempotency_keys (
            client text NOT NULL,
            key text NOT NULL,
            fingerprint bytea NOT NULL,
            payment_id uuid NOT NULL,
            create_time timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (client, key)
        )
    """)
    op.execute("CREATE INDEX idempotency_keys_create_time ON idempotency_keys (create_time)")
    # One for all servers, so that any of them reads the tokens of any other. Two random UUIDs have 244 random bits.
    op.execute("""
        CREATE TABLE page_token_key AS
        SELECT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex') AS key
    """)


def downgrade() -> None:
    op.execute("DROP TABLE page_token_key, idempotency_keys, payments")
