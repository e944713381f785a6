# What Homebrew has installed. It refuses to run as root, so what it has written is read instead.
for prefix in /opt/homebrew /usr/local /home/linuxbrew/.linuxbrew; do
    for folder in "$prefix"/Cellar/*/* "$prefix"/Caskroom/*/*; do
        [ -d "$folder" ] || continue
        name=${folder%/*}
        printf '%s\t%s\tbrew\n' "${name##*/}" "${folder##*/}"
    done
done
