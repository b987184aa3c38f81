#!/bin/sh
# Makes the roles and databases of Temporal and of Rushes, once, when PostgreSQL starts on an empty volume.
# Each role owns its own databases and can't connect to the other's; neither is a superuser.
set -eu
: "${POSTGRES_USER:?}" "${POSTGRES_TEMPORAL_PASSWORD:?}" "${POSTGRES_RUSHES_PASSWORD:?}"

# The passwords go in by \getenv: on psql's command line, every process of the container could read them.
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres <<'SQL'
\getenv temporal_password POSTGRES_TEMPORAL_PASSWORD
\getenv rushes_password POSTGRES_RUSHES_PASSWORD

CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE DATABASE temporal OWNER temporal TEMPLATE template0 ENCODING 'UTF8';
CREATE DATABASE temporal_visibility OWNER temporal TEMPLATE template0 ENCODING 'UTF8';

CREATE ROLE rushes LOGIN PASSWORD :'rushes_password';
CREATE DATABASE rushes OWNER rushes TEMPLATE template0 ENCODING 'UTF8';

REVOKE ALL ON DATABASE temporal, temporal_visibility, rushes FROM PUBLIC;
SQL
