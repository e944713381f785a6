# One script for test, get and set. PARAM_LABELS is a JSON object.
registration=${PITCREW_SANDBOX:-}/etc/registration
case $PITCREW_METHOD in
  test)
    # Every line that says true or false counts, and all must be true.
    [ -e "$registration" ] && echo true || echo false
    grep -qs "site=$PARAM_SITE" "$registration" && echo true || echo false
    ;;
  get) cat "$registration" ;;
  set)
    mkdir -p "${registration%/*}"
    printf 'directory=%s\nsite=%s\nlabels=%s\nkey=%s\n' "$PARAM_DIRECTORY" "$PARAM_SITE" "${PARAM_LABELS:-}" \
      "$PARAM_ENROLMENT_KEY" > "$registration"
    ;;
esac
