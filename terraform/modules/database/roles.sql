-- The roles that own and migrate (payments_owner) and that serve (payments_app), by IAM alone: neither has a password.
-- As RDS's administrator, who is no superuser, in the database payments; any number of times.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'payments_owner') THEN
    CREATE ROLE payments_owner LOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'payments_app') THEN
    CREATE ROLE payments_app LOGIN;
  END IF;
END
$$;
GRANT rds_iam TO payments_owner, payments_app;

-- To hand the database over, the administrator has to be a member of who gets it, for that time.
GRANT payments_owner TO CURRENT_USER;
ALTER DATABASE payments OWNER TO payments_owner;
REVOKE ALL ON DATABASE payments FROM PUBLIC;
GRANT CONNECT ON DATABASE payments TO payments_app, CURRENT_USER;
REVOKE payments_owner FROM CURRENT_USER;
