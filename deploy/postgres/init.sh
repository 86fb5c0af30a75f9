#!/bin/sh
# Run once by the image on an empty data folder: a database per service, owned by a role of the same name that
# alone may connect to it.
set -eu
for service in registry intake dispatch escalation notify insight; do
	psql -v ON_ERROR_STOP=1 -v name="yike_$service" -v password="$SERVICES_PASSWORD" \
		--username "$POSTGRES_USER" --dbname postgres <<-'SQL'
		CREATE ROLE :"name" LOGIN PASSWORD :'password';
		CREATE DATABASE :"name" OWNER :"name";
		REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
	SQL
done
