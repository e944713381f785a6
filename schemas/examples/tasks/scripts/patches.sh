# What is offered: lines of KEY SEVERITY TITLE. What is installed: a file for each key.
folder="${PITCREW_SANDBOX:-}/var/lib/patches"

installed() { [ -e "$folder/installed/$1" ]; }

case "$PITCREW_METHOD ${PITCREW_CHILD:-}" in
  "test ")
    # The whole: name what is missing.
    while read -r key severity title; do
      installed "$key" ||
        echo "::pitcrew {\"child\": {\"key\": \"$key\", \"title\": \"$title\", \"parameters\": {\"severity\": \"$severity\"}}}"
    done < "$folder/offered"
    echo true
    ;;
  test*)
    installed "$PITCREW_CHILD" && echo true || echo false
    ;;
  set*)
    [ -n "${PITCREW_CHILD:-}" ] || exit 0
    echo "::pitcrew {\"progress\": 10, \"activity\": \"installing $PITCREW_CHILD\"}"
    [ ! -e "$folder/broken-$PITCREW_CHILD" ] || exit 1
    echo "$CHILD_SEVERITY" > "$folder/installed/$PITCREW_CHILD"
    ;;
esac
