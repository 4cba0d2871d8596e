#!/bin/sh
# May they? Asked with curl.
#
#   BAILIWICK_URL   such as https://localhost:8443
#   BAILIWICK_CA    the certificate to trust, such as data/certificate.pem
#   BAILIWICK_KEY   what `bailiwick key issue` printed
#
# usage: ask.sh SUBJECT ACTION RESOURCE-TYPE RESOURCE-ID
# Ends with 0 for yes, 1 for no, and 2 if there was no answer, which an application takes for a no.
set -eu

# Names go into JSON as they are; an application would use a library for that.
question=$(printf '{
  "subject":  {"type": "user", "id": "%s"},
  "action":   {"name": "%s"},
  "resource": {"type": "%s", "id": "%s"}
}' "$1" "$2" "$3" "$4")

answer=$(curl --silent --show-error --fail --max-time 5 --cacert "$BAILIWICK_CA" \
  --header "Authorization: Bearer $BAILIWICK_KEY" \
  --header 'Content-Type: application/json' \
  --data "$question" \
  "$BAILIWICK_URL/access/v1/evaluation") || exit 2

echo "$answer"
[ "$answer" = '{"decision":true}' ]
