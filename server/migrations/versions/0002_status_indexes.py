"""An index a status in place of one over both.

A page of one status reads its payments in the order of their ids. Of an index on (status, id) PostgreSQL expects no less work than of the
primary key, on which it then walks past every payment of the other status. An index of one status holds nothing to walk past.
"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("CREATE INDEX payments_inserted ON payments (id) WHERE status = 1")
    op.execute("CREATE INDEX payments_consumed ON payments (id) WHERE status = 2")
    op.execute("DROP INDEX payments_status_id")


def downgrade() -> None:
    op.execute("CREATE INDEX payments_status_id ON payments (status, id)")
    op.execute("DROP INDEX payments_inserted, payments_consumed")
