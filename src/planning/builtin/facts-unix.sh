say() { [ -z "$2" ] || printf '%s\t%s\tfact\n' "$1" "$2"; }
first() { for file in "$@"; do [ -r "$file" ] && head -n 1 "$file" 2>/dev/null && return; done; }
say kernel "$(uname -r)"
if [ "$(uname -s)" = Darwin ]; then
  say os.family darwin
  say os.name macos
  say os.version "$(sw_vers -productVersion)"
  say memory_gb "$(sysctl -n hw.memsize | awk '{ printf "%.1f", $1 / 1073741824 }')"
  say cpus "$(sysctl -n hw.logicalcpu)"
  say manufacturer Apple
  say model "$(sysctl -n hw.model)"
  say serial "$(ioreg -c IOPlatformExpertDevice -d 2 | awk -F '"' '/IOPlatformSerialNumber/ { print $4 }')"
  case "$(sysctl -n hw.model)" in *Book*) say device portable ;; *) say device workstation ;; esac
else
  if [ -r /etc/os-release ]; then
    . /etc/os-release
    say os.name "$ID"
    say os.version "$VERSION_ID"
    case " $ID $ID_LIKE " in
      *' debian '*) say os.family debian ;;
      *' rhel '* | *' fedora '*) say os.family rhel ;;
      *' suse '* | *' opensuse '*) say os.family suse ;;
      *) say os.family "$ID" ;;
    esac
  fi
  say memory_gb "$(awk '/^MemTotal:/ { printf "%.1f", $2 / 1048576 }' /proc/meminfo 2>/dev/null)"
  say cpus "$(getconf _NPROCESSORS_ONLN 2>/dev/null)"
  say manufacturer "$(first /sys/class/dmi/id/sys_vendor)"
  say model "$(first /sys/class/dmi/id/product_name)"
  say serial "$(first /sys/class/dmi/id/product_serial)"
  if grep -q '^flags.* hypervisor' /proc/cpuinfo 2>/dev/null; then say virtual true; else say virtual false; fi
  case "$(first /sys/class/dmi/id/chassis_type)" in
    8 | 9 | 10 | 14 | 30 | 31 | 32) say device portable ;;
    17 | 23 | 28 | 29) say device server ;;
    3 | 4 | 5 | 6 | 7 | 13 | 15 | 16 | 24 | 35) say device workstation ;;
  esac
fi
df -Pk / 2>/dev/null | awk 'NR == 2 { printf "disk_gb\t%.1f\tfact\ndisk_free_gb\t%.1f\tfact\n", $2 / 1048576, $4 / 1048576 }'
exit 0
