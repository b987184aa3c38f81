#!/bin/sh
# Brings Temporal's two databases to the schema of this image's version. Runs at every start: where nothing is to be
# done, it does nothing. temporal-sql-tool reads host, user, password and plugin from SQL_*.
set -eu
: "${SQL_HOST:?}" "${SQL_USER:?}" "${SQL_PASSWORD:?}" "${SQL_PLUGIN:?}"

bring_up_to_date() { # database, folder of its schema
    temporal-sql-tool --db "$1" setup-schema --version 0.0
    temporal-sql-tool --db "$1" update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

bring_up_to_date temporal temporal
bring_up_to_date temporal_visibility visibility
