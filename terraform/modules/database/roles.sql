-- The roles that own and migrate (payments_owner) and that serve (payments_app), by IAM alone: neither has a password.
-- Run as the administrator, in the database payments, any number of times: psql --set ON_ERROR_STOP=1 --file roles.sql
SELECT 'CREATE ROLE payments_owner LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'payments_owner')
\gexec
SELECT 'CREATE ROLE payments_app LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'payments_app')
\gexec
GRANT rds_iam TO payments_owner, payments_app;

-- RDS's administrator is no superuser: to hand the database over it has to be a member of who gets it.
GRANT payments_owner TO CURRENT_USER;
ALTER DATABASE payments OWNER TO payments_owner;
ALTER SCHEMA public OWNER TO payments_owner;
REVOKE payments_owner FROM CURRENT_USER;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE CONNECT, TEMPORARY ON DATABASE payments FROM PUBLIC;
GRANT CONNECT ON DATABASE payments TO payments_app;
