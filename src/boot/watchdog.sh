# Takes the programs of `pitcrew up` down when that is gone.
#
#   sh watchdog.sh MARK
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

# One may have been started in the last moment, and not been told of: it has MARK in its environment as soon as it is a
# program of its own.
sleep 0.5
for environ in /proc/[0-9]*/environ; do
    pid=${environ#/proc/}
    pid=${pid%/environ}
    case $running in *" $pid "*) continue ;; esac
    { tr '\0' '\n' <"$environ"; } 2>/dev/null | grep -qxF -- "$1" && running="$running$pid "
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
