#!/bin/sh
# ocf:digitalocean:floatip: keeps a floating IP of DigitalOcean at the droplet on which it is started.
# A start ends when the address is really here. A monitor that cannot ask repeats what it knew: trouble with the API moves
# nothing. A stop has nothing to undo: the next owner takes the address by asking for it. An address that was given to a healthy
# peer by hand is no failure: it is moved there.
: "${OCF_ROOT:=/usr/lib/ocf}"
# shellcheck source=src/bootstrap/node/common.sh
. "${DOFLOAT_ROOT:-}/usr/local/lib/dofloat/common"

ip=${OCF_RESKEY_floating_ip:-}
TOKEN_FILE=${OCF_RESKEY_token_file:-$ETC/token}
OK=0 GENERIC=1 ARGS=2 UNIMPLEMENTED=3 INSTALLED=5 CONFIGURED=6 NOT_RUNNING=7

describe() {
    cat << 'END'
<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="floatip" version="1.0">
<version>1.0</version>
<longdesc lang="en">Keeps a floating (reserved) IP of DigitalOcean at the droplet on which it is started.</longdesc>
<shortdesc lang="en">A floating IP of DigitalOcean</shortdesc>
<parameters>
<parameter name="floating_ip" unique="1" required="1">
<longdesc lang="en">The address.</longdesc>
<shortdesc lang="en">The address</shortdesc>
<content type="string"/>
</parameter>
<parameter name="token_file" unique="0" required="0">
<longdesc lang="en">A file that only root reads and that holds the API's token.</longdesc>
<shortdesc lang="en">File with the token</shortdesc>
<content type="string" default="/etc/dofloat/token"/>
</parameter>
<parameter name="do_token" unique="0" required="0">
<longdesc lang="en">The token itself. It then stands in the cluster's configuration and its logs; use token_file.</longdesc>
<shortdesc lang="en">The token (unsafe)</shortdesc>
<content type="string"/>
</parameter>
</parameters>
<actions>
<action name="start" timeout="60s"/>
<action name="stop" timeout="20s"/>
<action name="status" timeout="20s"/>
<action name="monitor" timeout="20s" interval="10s" depth="0"/>
<action name="validate-all" timeout="20s"/>
<action name="meta-data" timeout="5s"/>
</actions>
</resource-agent>
END
}

# tell WORDS: to pacemaker's log and to ours.
tell() {
    echo "floatip: $*" >&2
    say "$*"
}

validate() {
    if [ -z "$ip" ]; then
        tell "the parameter floating_ip is missing"
        exit $CONFIGURED
    fi
    if ! printf '%s' "$ip" | grep -Eqx '[0-9]{1,3}(\.[0-9]{1,3}){3}'; then
        tell "floating_ip is no address"
        exit $CONFIGURED
    fi
    for program in curl jq; do
        if ! command -v $program > /dev/null; then
            tell "$program is not installed"
            exit $INSTALLED
        fi
    done
    if [ -n "${OCF_RESKEY_do_token:-}" ]; then
        tell "do_token stands in the cluster's configuration and logs, where others can read it; put it into a file and set token_file"
        DO_TOKEN=$OCF_RESKEY_do_token
    elif [ ! -s "$TOKEN_FILE" ]; then
        tell "there is no token in $TOKEN_FILE"
        exit $INSTALLED
    fi
}

known=$RUN/floatip-$ip

# is_able NAME: whether the cluster could run the address there now.
is_able() {
    seen=$(timeout 10 crm_mon --as-xml 2> /dev/null)
    node=$(printf '%s\n' "$seen" | grep "<node name=\"$1\" .*online=\"true\"") || return 1
    case $node in *standby=\"true\"* | *maintenance=\"true\"* | *pending=\"true\"* | *unclean=\"true\"*) return 1 ;; esac
    [ "$SERVICE" = nginx ] || return 0
    printf '%s\n' "$seen" | awk -v name="name=\"$1\"" '
        /<resource / { runs = /id="Nginx/ && /role="Started"/ }
        /<node / && runs && index($0, name) { found = 1 }
        END { exit !found }'
}

# wished ID: whether this node had the address, and somebody has given it to a healthy peer. The node's agent moves the resource
# then; if that does not come to pass soon, the address is taken back.
wished() {
    [ "$(cat "$known" 2> /dev/null)" = $OK ] || return 1
    name=$(awk -v id="$1" '$4 == id { print $2 }' "$ETC/peers" 2> /dev/null)
    [ -n "$name" ] && [ "$name" != "$NODE_NAME" ] && is_able "$name" || return 1
    [ -s "$RUN/wish" ] || echo "$name $(clock)" | put "$RUN/wish" 644
    read -r _ since < "$RUN/wish"
    [ $(($(clock) - since)) -lt 40 ]
}

# remember CODE: what the last answer meant.
remember() {
    echo "$1" | put "$known" 644
    return "$1"
}

# look: 0 if the address is here, 7 if it is not, or was given up by a stop although nobody has taken it yet.
look() {
    if [ -e "$known.stopped" ]; then return $NOT_RUNNING; fi
    id=$(own_id) || {
        tell "the metadata service does not say which droplet this is"
        last
        return
    }
    API_PATIENCE=6
    if api GET "/v2/reserved_ips/$ip"; then
        # shellcheck disable=SC2046 # Words are wanted.
        set -- $(picked "$HOLDER")
        if [ "${1:-}" = "$id" ]; then
            rm -f "$RUN/wish"
            remember $OK
            return
        elif [ -n "${1:-}" ] && wished "$1"; then
            tell "$ip was given to $name: the resource is to follow"
            return $OK
        elif [ -n "${1:-}" ]; then
            remember $NOT_RUNNING
            return
        fi
    fi
    tell "the API answers $STATUS: what was known of $ip still counts"
    last
}

# last: what was known when the API could still be asked; else what the metadata service says, which may be late.
last() {
    if [ -s "$known" ]; then
        return "$(cat "$known")"
    fi
    if [ "$(metadata floating_ip/ipv4/active)" = true ] && [ "$(metadata floating_ip/ipv4/ip_address)" = "$ip" ]; then
        return $OK
    fi
    return $NOT_RUNNING
}

# is_likely_here: whether the address may be here already, so that it is better to look than to ask.
is_likely_here() {
    [ -e "$RUN/here" ] || { [ -s "$RUN/asked" ] && [ $(($(clock) - $(cat "$RUN/asked"))) -lt 60 ]; }
}

start() {
    if is_likely_here; then first=no; else first=yes; fi
    # Pacemaker's limit in milliseconds, less what it takes to say why.
    until=$(($(clock) + ${OCF_RESKEY_CRM_meta_timeout:-60000} / 1000 - 8))
    export TOKEN_FILE
    [ -z "${DO_TOKEN:-}" ] || export DO_TOKEN
    while :; do
        why="the metadata service does not say which droplet this is"
        code=$GENERIC
        if id=$(own_id); then
            why=$(ASSIGN_FIRST=$first ASSIGN_PATIENCE=$((until - $(clock))) "$ROOT/usr/local/bin/assign-ip" "$ip" "$id" 2>&1)
            code=$? first=no
        fi
        case $code in
            0)
                rm -f "$known.stopped" "$RUN/start-failed"
                remember $OK
                return
                ;;
            3)
                tell "$why"
                exit $ARGS
                ;;
        esac
        if [ "$(clock)" -ge "$until" ]; then break; fi
        # A token can be mended, and then nobody should have to do more.
        sleep 2
    done
    tell "$why"
    # When the API is well again the node's agent has pacemaker forget this.
    : > "$RUN/start-failed"
    exit $GENERIC
}

case ${1:-} in
    meta-data) describe ;;
    validate-all) validate ;;
    start)
        validate
        start
        ;;
    stop)
        mkdir -p "$RUN"
        rm -f "$known" "$RUN/wish"
        : > "$known.stopped"
        ;;
    monitor | status)
        validate
        look
        ;;
    *)
        echo "usage: floatip start|stop|status|monitor|validate-all|meta-data" >&2
        exit $UNIMPLEMENTED
        ;;
esac
