# What rpm has installed.
command -v rpm >/dev/null 2>&1 || exit 0
rpm --query --all --queryformat '%{NAME}\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\trpm\n'
