#!/bin/sh
# The node's health as a JSON document, without secrets:
#   phase      where the bootstrap stands; "done" at its end. step of steps counts the phases. error is why it is stuck
#   members    the nodes that this one sees in the cluster, of those `expected`; quorum says whether it may act
#   resources  what pacemaker runs, and where; failures are the operations that failed
#   holder     the node at which pacemaker has the floating IP; holds says whether the metadata service shows it at this node
#   links      knet's links to the other nodes, by network, and whether each is up
#   configuration  our parts of pacemaker's that were changed by hand, and those that are not as the block has them yet
#   fencing    what hinders the fencing of a lost peer, or that one is off that nobody here has switched off
#   arbiter    whether the arbiter's vote counts, "votes" or "lost"; null where there is none
#   api_error  what was wrong when the node last asked the API
#   log        the bootstrap's last lines, as long as it is not done
#   stopped    whether the bootstrap has given up; notes is what is not as it was asked for, though it hinders nothing
#
#   health write    writes it to where `health serve` finds it
#   health serve    answers on HEALTH_PORT
set -u
# shellcheck source=src/bootstrap/node/common.sh
. "${DOFLOAT_ROOT:-}/usr/local/lib/dofloat/common"

# text WORDS: a JSON string.
text() {
    printf '"%s"' "$(printf '%s' "$*" | tr -d '\000-\037' | sed 's/[\\"]/\\&/g' | cut -c1-400)"
}

# file FILE: its first line as a string, null if it is not there.
file() {
    if [ -s "$1" ]; then text "$(head -n 1 "$1")"; else printf null; fi
}

# list WORDS: an array of strings.
list() {
    printf '['
    first=true
    for each in "$@"; do
        [ $first = true ] || printf ', '
        first=false
        text "$each"
    done
    printf ']'
}

# resources: from crm_mon's XML, of which both generations have these lines.
resources() {
    awk '
        function value(name,    rest) {
            if (!match($0, " " name "=\"[^\"]*\"")) return ""
            rest = substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4)
            gsub(/\\/, "", rest)
            return rest
        }
        /<resource / { id = value("id"); role = value("role"); failed = value("failed"); here = "" }
        /<resource .*\/>/ { add(); next }
        /<node / && id != "" { here = value("name") }
        /<\/resource>/ { add() }
        function add() {
            row = "{\"name\": \"" id "\", \"role\": \"" role "\", \"node\": " (here == "" ? "null" : "\"" here "\"")
            rows = rows (rows == "" ? "" : ", ") row ", \"failed\": " (failed == "true" ? "true" : "false") "}"
            id = ""
        }
        END { printf "[%s]", rows }'
}

failures() {
    awk '
        function value(name,    rest) {
            if (!match($0, " " name "=\"[^\"]*\"")) return ""
            rest = substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4)
            gsub(/\\/, "", rest)
            return rest
        }
        /<failure / {
            row = "{\"operation\": \"" value("op_key") "\", \"node\": \"" value("node") "\", \"answer\": \"" value("exitstatus")
            rows = rows (rows == "" ? "" : ", ") row "\", \"reason\": \"" value("exitreason") "\"}"
        }
        END { printf "[%s]", rows }'
}

# links: as corosync counts them; none where it does not.
links() {
    printf '['
    [ "$RELEASE $TRANSPORT" != 'modern knet' ] || timeout 10 corosync-cmapctl -m stats stats.knet. 2> /dev/null \
        | sed -n 's/^stats\.knet\.node\([0-9]*\)\.link\([01]\)\.connected .*= \([01]\)$/\1 \2 \3/p' | {
        first=true
        while read -r id link up; do
            # shellcheck disable=SC2086 # Words are wanted.
            name=$(printf '%s\n' $NODES | sed -n "${id}p")
            if [ -z "$name" ] || [ "$name" = "$NODE_NAME" ]; then continue; fi
            [ $first = true ] || printf ', '
            first=false
            if [ "$link" = 0 ]; then network=private; else network=public; fi
            if [ "$up" = 1 ]; then up=true; else up=false; fi
            printf '{"node": %s, "network": "%s", "connected": %s}' "$(text "$name")" $network $up
        done
    }
    printf ']'
}

# texts: a list of the lines that are read.
texts() {
    printf '['
    first=true
    while read -r line; do
        [ $first = true ] || printf ', '
        first=false
        text "$line"
    done
    printf ']'
}

# log_end: what the bootstrap said last. The output of a user's script is not in that log.
log_end() {
    if [ "$phase" = 'done' ]; then printf '[]'; else tail -n 5 "$LOG" 2> /dev/null | texts; fi
}

# notes: a line for each.
notes() { cat "$STATE"/notes/* 2> /dev/null | texts; }

# serve: busybox's server where there is one. Until it is installed, one in perl, which every image has: it knows this page alone, and
# one guest at a time, for two seconds each.
serve() {
    if busybox --list 2> /dev/null | grep -qx httpd; then exec busybox httpd -f -p "$HEALTH_PORT" -h "$RUN/www"; fi
    # shellcheck disable=SC2016 # For perl.
    exec perl -MIO::Socket::INET -e '
        my ($port, $path, $page) = @ARGV;
        my $server = IO::Socket::INET->new(LocalPort => $port, Listen => 16, ReuseAddr => 1) or die "port $port: $@\n";
        while (1) {
            my $guest = $server->accept or next;
            eval {
                local $SIG{ALRM} = sub { die };
                local $SIG{PIPE} = "IGNORE";
                alarm 2;
                my $asked = <$guest> // "";
                while (defined(my $line = <$guest>)) { last if $line =~ /^\r?$/ }
                if ($asked =~ m{^GET \Q$path\E[? ]} && open(my $file, "<", $page)) {
                    local $/;
                    my $text = <$file>;
                    print $guest "HTTP/1.0 200 OK\r\nContent-Length: " . length($text) . "\r\nConnection: close\r\n\r\n$text";
                } else {
                    print $guest "HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                }
                close $guest;
            };
            alarm 0;
        }' "$HEALTH_PORT" "$HEALTH_PATH" "$1"
}

# page: the file that holds the document.
page() {
    case $HEALTH_PATH in
        *..*) die "the path $HEALTH_PATH is not taken" ;;
        */) echo "$RUN/www${HEALTH_PATH}index.html" ;;
        *) echo "$RUN/www$HEALTH_PATH" ;;
    esac
}

# parts WORD: the names of those parts of the configuration.
parts() { sed -n "s/^$1 //p" "$RUN/parts" 2> /dev/null; }

document() {
    phase=$(cat "$STATE/phase" 2> /dev/null || echo prepare)
    seen=$(timeout 10 crm_mon --as-xml 2> /dev/null || true)
    holder=$(located 10)
    holds=false
    [ "$(metadata floating_ip/ipv4/ip_address)" != "$FLOATING_IP" ] || holds=true
    quorum=false
    [ "$(timeout 10 crm_node -q 2> /dev/null)" != 1 ] || quorum=true
    printf '{\n  "format": 1,\n  "time": %s,\n' "$(text "$(date -u +%Y-%m-%dT%H:%M:%SZ)")"
    printf '  "cluster": %s,\n  "node": %s,\n' "$(text "$CLUSTER_NAME")" "$(text "$NODE_NAME")"
    printf '  "phase": %s,\n  "step": %s,\n  "steps": 9,\n' "$(text "$phase")" "$(find "$STATE/done" -type f 2> /dev/null | wc -l)"
    printf '  "error": %s,\n  "api_error": %s,\n' "$(file "$STATE/error")" "$(file "$RUN/api-error")"
    printf '  "fencing": %s,\n' "$(if [ -s "$RUN/fencing" ]; then file "$RUN/fencing"; else file "$RUN/peer-off"; fi)"
    printf '  "links": %s,\n' "$(links)"
    # shellcheck disable=SC2086,SC2046 # Words are wanted.
    printf '  "expected": %s,\n  "members": %s,\n' "$(list $NODES)" "$(list $(members))"
    printf '  "quorum": %s,\n  "resources": %s,\n' "$quorum" "$(printf '%s\n' "$seen" | resources)"
    printf '  "failures": %s,\n' "$(printf '%s\n' "$seen" | failures)"
    # shellcheck disable=SC2046 # Words are wanted.
    printf '  "configuration": {"hand": %s, "behind": %s},\n' "$(list $(parts hand))" "$(list $(parts behind))"
    printf '  "arbiter": %s,\n' "$(if [ -n "${ARBITER:-}" ]; then text "$("$LIB/arbiter" told)"; else printf null; fi)"
    printf '  "holder": %s,\n  "holds": %s,\n' "$([ -n "$holder" ] && text "$holder" || printf null)" "$holds"
    printf '  "stopped": %s,\n  "notes": %s,\n' "$([ -e "$STATE/stopped" ] && echo true || echo false)" "$(notes)"
    printf '  "log": %s\n}\n' "$(log_end)"
}

case ${1:-} in
    show) document ;;
    write)
        page=$(page) || exit 1
        mkdir -p "$(dirname "$page")"
        document > "$page.$$" && chmod 644 "$page.$$" && mv "$page.$$" "$page"
        ;;
    serve) serve "$(page)" ;;
    *) die "usage: health show|write|serve" ;;
esac
