# Takes a server down when the program that started it is gone.
#
#   sh watchdog.sh SIGNAL PID [FOLDER…]
#
# Standard input is a pipe whose other end its owner holds open and never writes to: its end is the owner's end, however
# that came about. Then PID is asked to stop with SIGNAL, its whole process tree is killed if it does not, and the
# folders that were to last no longer are deleted. The owner kills this watchdog when it has stopped the server itself.

trap '' HUP INT QUIT TERM
signal=$1 root=$2
shift 2
while read -r _; do :; done

# All processes that descend from the server: names in /proc/PID/stat may hold blanks, but end at the last bracket.
tree=$root grown=yes
while [ -n "$grown" ]; do
    grown=
    for stat in /proc/[0-9]*/stat; do
        { read -r line <"$stat"; } 2>/dev/null || continue
        pid=${line%% *} rest=${line##*) }
        rest=${rest#* }
        case " $tree " in
            *" $pid "*) ;;
            *" ${rest%% *} "*) tree="$tree $pid" grown=yes ;;
        esac
    done
done

kill -CONT $tree 2>/dev/null
kill -"$signal" "$root" 2>/dev/null
tries=0
while [ $tries -lt 50 ] && kill -0 "$root" 2>/dev/null; do
    tries=$((tries + 1))
    sleep 0.1
done
kill -KILL $tree 2>/dev/null
[ $# -eq 0 ] || rm -rf -- "$@"
