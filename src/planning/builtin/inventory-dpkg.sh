# What dpkg has installed.
command -v dpkg-query >/dev/null 2>&1 || exit 0
dpkg-query --show --showformat '${db:Status-Abbrev}\t${Package}\t${Version}\tdpkg\n' | sed -n 's/^ii *\t//p'
