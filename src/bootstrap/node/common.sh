#!/bin/sh
# Shared by the node's scripts, which read it: where things are, the log, the metadata service, the API.
# A token goes to curl on its standard input, so that no list of processes shows it.
# shellcheck disable=SC2034 # The scripts that read this use what is set here.

ROOT=${DOFLOAT_ROOT:-}
LIB=$ROOT/usr/local/lib/dofloat
ETC=$ROOT/etc/dofloat
STATE=$ROOT/var/lib/dofloat
RUN=$ROOT/run/dofloat
LOG=$ROOT/var/log/dofloat.log
NEWLINE='
'
METADATA=${DOFLOAT_METADATA:-http://169.254.169.254/metadata/v1}

# shellcheck source=/dev/null
. "$ETC/cluster.env"

# say WORDS: a line in the log.
say() {
    echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) ${0##*/}[$$]: $*" >> "$LOG"
}

# die WORDS: the last line is what the health document shows as the error.
die() {
    echo "$*" >&2
    exit 1
}

# put FILE MODE: replaces a file by what comes in, if that differs. A reader sees the old file or the new one.
put() {
    # A name of this process's own: several keep notes at once.
    if [ -e "$1.new$$" ]; then rm -f "$1.new$$"; fi
    (umask 077 && cat > "$1.new$$") && chmod "$2" "$1.new$$" || return 1
    if [ -e "$1" ] && cmp -s "$1" "$1.new$$"; then
        rm -f "$1.new$$"
    else
        mv "$1.new$$" "$1"
    fi
}

# metadata PATH: what the metadata service says.
metadata() {
    curl -sf --connect-timeout 2 --max-time 5 "$METADATA/$1"
}

# clock: seconds since the start. Deadlines go by it, since nobody sets it.
clock() {
    read -r passed _ < "$ROOT/proc/uptime"
    echo "${passed%%.*}"
}

# own_id: the droplet's identifier, remembered so that the metadata service is not needed at a failover.
own_id() {
    mkdir -p "$RUN"
    if [ ! -s "$RUN/droplet-id" ]; then
        found=$(metadata id) && [ -n "$found" ] || return 1
        echo "$found" | put "$RUN/droplet-id" 644 || return 1
    fi
    cat "$RUN/droplet-id"
}

# request METHOD PATH [BODY]: asks the API. Then STATUS is the answer's, 000 if there was none, and ANSWER its body.
# The token is that in DO_TOKEN, else that in the file TOKEN_FILE.
request() {
    api_token=${DO_TOKEN:-$(cat "${TOKEN_FILE:-$ETC/token}" 2> /dev/null)}
    case $api_token in *[\\\"]*) api_token=$(printf '%s' "$api_token" | sed 's/[\\"]/\\&/g') ;; esac
    set -- "$1" "$API_URL$2" "${3:-}"
    # curl adds the status as a last line, also when it fails.
    ANSWER=$(printf 'header = "Authorization: Bearer %s"\n' "$api_token" \
        | curl -sS -K - -X "$1" -H 'Content-Type: application/json' ${3:+--data "$3"} \
            --connect-timeout 4 --max-time "${API_PATIENCE:-10}" -w '\n%{http_code}' "$2" 2> /dev/null)
    STATUS=${ANSWER##*"$NEWLINE"}
    case $ANSWER in *"$NEWLINE"*) ANSWER=${ANSWER%"$NEWLINE"*} ;; *) ANSWER='' ;; esac
}

# note_api: what the last answer says of the API, for the health document.
note_api() {
    case $STATUS in
        2??) rm -f "$RUN/api-error" ;;
        401 | 403) [ ! -d "$RUN" ] || echo "the API refuses the node's token ($STATUS)" | put "$RUN/api-error" 644 ;;
        000) [ ! -d "$RUN" ] || echo "the API cannot be reached" | put "$RUN/api-error" 644 ;;
        429 | 5??) [ ! -d "$RUN" ] || echo "the API answers $STATUS" | put "$RUN/api-error" 644 ;;
    esac
}

# api METHOD PATH [BODY]: the same, noted; whether it was done.
api() {
    request "$@"
    note_api
    [ "${STATUS#2}" != "$STATUS" ]
}

# picked FILTER: what jq finds in the last answer; nothing if that is no JSON.
picked() {
    printf '%s\n' "$ANSWER" | jq -r "$1" 2> /dev/null
}

# reason: the words in which the API has refused something.
reason() {
    picked '.message // "for no reason"'
}

# What the API says of an address: who has it, and whether it is being moved. Of an answer that says neither jq finds nothing.
HOLDER='.reserved_ip | select(has("droplet")) | (.droplet.id // "nobody"), (.locked // false)'

# nodeid NAME: its place among the names, from 1.
nodeid() {
    place=0
    for each in $NODES; do
        place=$((place + 1))
        if [ "$each" = "$1" ]; then
            echo "$place"
            return 0
        fi
    done
    return 1
}

# ask_peers: fetches the droplets of this cluster into PEERS, a line for each name that has one: nodeid, name, private
# address, id, public address or a dash. Of two droplets of one name the younger counts: the other is being replaced.
ask_peers() {
    tag=$(printf '%s' "$TAG" | sed 's/%/%25/g; s/:/%3A/g')
    api GET "/v2/droplets?tag_name=$tag&per_page=200" || return 1
    # shellcheck disable=SC2016 # For jq.
    all=$(picked 'def of(kind): [.networks.v4[] | select(.type == kind) | .ip_address][0];
        .droplets[] | of("private") as $private | (of("public") // "-") as $public | select($private)
        | "\(.created_at) \(.name) \($private) \(.id) \($public)"' | sort)
    PEERS=$(for name in $NODES; do
        line=$(printf '%s\n' "$all" | awk -v name="$name" '$2 == name { found = $3 " " $4 " " $5 } END { print found }')
        [ -z "$line" ] || echo "$(nodeid "$name") $name $line"
    done)
}

# link_of ADDRESS: the interface that has it.
link_of() {
    ip -o -4 addr show | awk -v address="$1" '{ split($4, parts, "/"); if (parts[1] == address) { print $2; exit } }'
}

# own_private: this node's address in the private network.
own_private() {
    awk -v name="$NODE_NAME" '$2 == name { print $3 }' "$ETC/peers"
}

# own_public: the same in the public one.
own_public() {
    awk -v name="$NODE_NAME" '$2 == name { print $5 }' "$ETC/peers"
}

# has_two_links FILE: whether corosync talks over the public network too. For that every node of the list must have an address there.
# A peer whose corosync has one link does not answer on the other, which is then down and does no harm: so each node decides for
# itself, and while nodes are replaced those with one link and with two are one cluster.
has_two_links() {
    [ "$RELEASE $TRANSPORT ${LINKS:-}" = 'modern knet both' ] && awk '$5 !~ /^[0-9.]+$/ { one = 1 } END { exit one }' "$1"
}

# members: the names of the nodes that this node sees in the cluster, itself among them.
members() {
    timeout 10 crm_node -p 2> /dev/null | tr ' ' '\n' | sed '/^$/d' | sort
}

# located SECONDS: the node at which pacemaker has the floating IP; it has that long to say.
located() {
    timeout "$1" crm_resource --resource FloatIP --locate 2> /dev/null | sed -n 's/.* is running on: *\([^ ]*\).*/\1/p' | head -n 1
}
