#!/bin/sh
# Installs Debian's redis-server where it is missing and we are root. The benchmark starts a server of its own, so the
# distribution's service is neither started nor left enabled. Without Redis the benchmark skips the old system's rows.
set -u

if command -v redis-server >/dev/null; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "redis-server is missing, so the old system can't be measured. On Debian: apt-get install redis-server" >&2
    exit 0
fi

install() {
    # A run level of 1 keeps the package from starting the service.
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends -qq redis-server >/dev/null
}
install 2>/dev/null || { apt-get update -qq && install; } ||
    echo "redis-server could not be installed, so the old system can't be measured." >&2
if command -v systemctl >/dev/null && systemctl is-system-running >/dev/null 2>&1; then
    systemctl disable --now --quiet redis-server
fi
exit 0
