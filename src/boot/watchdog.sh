# Takes the programs of `pitcrew up` down when that is gone.
#
# Standard input is a pipe whose other end `pitcrew up` holds open: it writes `+PID` when it has started a program and
# `-PID` when one has ended. The end of the pipe is the end of `pitcrew up`, however that came about. Then the programs
# that are left are asked to stop, and killed if they do not.
trap '' HUP INT QUIT TERM
running=" "
while read -r line; do
    pid=${line#?}
    case $line in
        +*) running="$running$pid " ;;
        -*) running="${running%% "$pid" *} ${running#* "$pid" }" ;;
    esac
done

for pid in $running; do
    kill -TERM "$pid" 2>/dev/null
done
tries=0
while [ $tries -lt 300 ]; do
    left=
    for pid in $running; do
        kill -0 "$pid" 2>/dev/null && left="$left $pid"
    done
    [ -n "$left" ] || exit 0
    tries=$((tries + 1))
    sleep 0.1
done
kill -KILL $left 2>/dev/null
