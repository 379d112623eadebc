# Run by the image when it makes the database: one role owns the tables, another serves (docs/tls.md).
psql --username "$POSTGRES_USER" --set ON_ERROR_STOP=1 --set owner="$OWNER_PASSWORD" --set app="$APP_PASSWORD" <<'SQL'
CREATE ROLE payments_owner LOGIN PASSWORD :'owner';
CREATE ROLE payments_app LOGIN PASSWORD :'app';
CREATE DATABASE payments OWNER payments_owner;
SQL
