#!/bin/sh
# Makes the namespace and registers the search attributes of contracts/temporal_names.py. Runs at every start: what is
# there already stays, and the retention follows the setting.
set -eu
: "${TEMPORAL_ADDRESS:?}" "${TEMPORAL_NAMESPACE:?}" "${RETENTION:?}"
SEARCH_ATTRIBUTES="VideoStatus VideoErrorCode UserId"

# Run a command until it succeeds, for a minute or so; then say what was waited for and what it answered.
wait_until() { # what is waited for, command…
    waited_for=$1
    give_up=$(($(date +%s) + 60))
    shift
    until answer=$("$@" 2>&1); do
        if [ "$(date +%s)" -ge "$give_up" ]; then
            echo "Not within a minute: $waited_for. Last answer: $answer" >&2
            exit 1
        fi
        sleep 1
    done
}

wait_until "Temporal serves at $TEMPORAL_ADDRESS" temporal operator cluster health

if temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
    temporal operator namespace update --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
else
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION" \
        --description "Rushes: one workflow per video"
fi
wait_until "the namespace is known" temporal workflow list --namespace "$TEMPORAL_NAMESPACE" --limit 1

for name in $SEARCH_ATTRIBUTES; do
    wait_until "$name is registered" \
        temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --name "$name" --type Keyword
done
# The server caches the attributes; only when a query may use them, a workflow may be started with them.
for name in $SEARCH_ATTRIBUTES; do
    wait_until "$name can be used" \
        temporal workflow count --namespace "$TEMPORAL_NAMESPACE" --query "$name = 'none'"
done
echo "Namespace $TEMPORAL_NAMESPACE is ready: retention $RETENTION, search attributes $SEARCH_ATTRIBUTES"
