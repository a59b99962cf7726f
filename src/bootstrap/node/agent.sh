#!/bin/sh
# Keeps a node in step: with its peers' addresses (a replaced peer has another), with its public side (a node that has lost
# it must not hold the floating IP), with the peer that it has fenced (nobody stays off for that), and the health document with
# all of it.
# The API is asked every 20 s only while a member is missing, every 10 minutes otherwise: all share its hourly budget.
#   agent                  goes on for ever
#   agent hosts            writes the peers' names into /etc/hosts
#   agent corosync-conf    writes corosync.conf
set -u
# shellcheck source=src/bootstrap/node/common.sh
. "${DOFLOAT_ROOT:-}/usr/local/lib/dofloat/common"

hosts() {
    {
        sed '/^# dofloat: begin$/,/^# dofloat: end$/d' "$ROOT/etc/hosts"
        echo '# dofloat: begin'
        while read -r _ name address _; do echo "$address $name"; done < "$ETC/peers"
        echo '# dofloat: end'
    } | put "$ROOT/etc/hosts" 644
}

logging() {
    echo 'logging {'
    echo '    to_logfile: yes'
    echo '    logfile: /var/log/corosync/corosync.log'
    echo '    to_syslog: yes'
    echo '    timestamp: on'
    echo '}'
}

nodelist() {
    echo 'nodelist {'
    while read -r id name address _; do
        printf '    node {\n        ring0_addr: %s\n        name: %s\n        nodeid: %s\n    }\n' "$address" "$name" "$id"
    done < "$listed"
    echo '}'
}

quorum() {
    printf 'quorum {\n    provider: corosync_votequorum\n    two_node: 1\n}\n'
}

# corosync 2, line for line as the tutorial has it.
trusty_conf() {
    echo 'totem {'
    echo '    version: 2'
    echo "    cluster_name: $CLUSTER_NAME"
    echo '    transport: udpu'
    echo '    interface {'
    echo '        ringnumber: 0'
    echo "        bindnetaddr: $(own_private)"
    echo '        broadcast: yes'
    echo '        mcastport: 5405'
    echo '    }'
    echo '}'
    quorum
    nodelist
    logging
}

# corosync 3: the same bytes on every node. The key is used with knet only.
modern_conf() {
    echo 'totem {'
    echo '    version: 2'
    echo "    cluster_name: $CLUSTER_NAME"
    echo "    transport: $TRANSPORT"
    if [ "$TRANSPORT" = knet ]; then
        echo '    crypto_cipher: aes256'
        echo '    crypto_hash: sha256'
    fi
    echo "    token: $TOKEN_TIMEOUT"
    # Of two nodes that have lost each other none needs to wait for a third one's word, so it may be shorter than the token.
    echo "    consensus: $((TOKEN_TIMEOUT / 2))"
    if [ "$TRANSPORT" = knet ]; then
        # By default knet gives its link up after half a token, and what is sent until it is back is lost: a node that stood still
        # for 0.6 s was lost although the token is longer. There is one link, so nothing is gained by giving it up soon.
        printf '    interface {\n        linknumber: 0\n        knet_ping_interval: 100\n        knet_ping_timeout: 3000\n'
        printf '        knet_pong_count: 1\n    }\n'
    fi
    echo '}'
    quorum
    nodelist
    logging
}

# corosync_conf [FILE]: with the peers that the file lists.
corosync_conf() {
    listed=${1:-$ETC/peers}
    "${RELEASE}_conf" | put "$ROOT/etc/corosync/corosync.conf" 644
}

# Takes over what the API says of the peers, if that is all of them and something differs.
follow_peers() {
    if ! ask_peers; then
        say "the API answers $STATUS when asked for the peers"
        return
    fi
    note_who_is_off
    [ "$(printf '%s\n' "$PEERS" | wc -l)" -eq "$(echo "$NODES" | wc -w)" ] || return
    if [ "$PEERS" = "$(cat "$ETC/peers")" ] && [ ! -e "$STATE/reload" ]; then return; fi
    say "the peers have changed: $(printf '%s' "$PEERS" | tr '\n' ';')"
    # corosync takes no new address for a node of its list: the node must go from the list first, and come back with it.
    printf '%s\n' "$PEERS" | awk -v name="$NODE_NAME" '$2 == name' > "$STATE/reload"
    printf '%s\n' "$PEERS" | put "$ETC/peers" 644
    hosts
    "$LIB/firewall"
    corosync_conf "$STATE/reload"
    corosync-cfgtool -R > /dev/null || say "corosync does not take the list without the old peer"
    corosync_conf
    if corosync-cfgtool -R > /dev/null; then
        rm -f "$STATE/reload"
    else
        say "corosync does not take its new list of nodes yet"
    fi
}

# Whether anything outside can be reached: the gateway, else the API, each asked twice.
is_public_alive() {
    for _ in 1 2; do
        ping -c 1 -W 1 "$gateway" > /dev/null 2>&1 && return 0
        curl -s -o /dev/null --connect-timeout 1 --max-time 2 "$API_URL" && return 0
    done
    return 1
}

# Tells pacemaker; its rule bans the floating IP from a node where it is 0.
watch_public() {
    : "${gateway:=$(metadata interfaces/public/0/ipv4/gateway)}"
    [ -n "$gateway" ] || return
    if is_public_alive; then alive=1; else alive=0; fi
    if [ "$alive" != "${told:-}" ]; then
        attrd_updater -n public_link -U $alive > /dev/null 2>&1 || return
        say "the public side is $([ $alive = 1 ] && echo alive || echo dead)"
        told=$alive
    fi
}

# others: the names of the other nodes.
others() {
    printf '%s\n' "$NODES" | tr ' ' '\n' | grep -vx "$NODE_NAME"
}

# note_who_is_off: of a peer that is off the health document tells, unless this node has switched it off and so sees to it.
note_who_is_off() {
    off=''
    for name in $(picked '.droplets[] | select(.status == "off") | .name'); do
        if [ "$name" != "$NODE_NAME" ] && [ ! -s "$STATE/owes-$name" ]; then off=$name; fi
    done
    if [ -n "$off" ]; then
        echo "$off is switched off, and not by this node: it stays off until you switch it on" | put "$RUN/peer-off" 644
    else
        rm -f "$RUN/peer-off"
    fi
}

# repay: a peer that this node has had reset, and that was left off by that, is switched on again, as often as it takes.
repay() {
    for debt in "$STATE"/owes-*; do
        if [ ! -s "$debt" ] || [ "$(clock)" -lt "${repay_at:-0}" ]; then continue; fi
        name=${debt##*/owes-} number=$(cat "$debt")
        api GET "/v2/droplets/$number/actions?per_page=50"
        pending=$(picked '.actions[].status' | grep -Evx 'completed|errored')
        case $STATUS in 2??) api GET "/v2/droplets/$number" ;; esac
        case $STATUS in
            404) rm -f "$debt" ;; # It was destroyed.
            2??)
                if [ -n "$pending" ]; then
                    :
                elif [ "$(picked .droplet.status)" = off ]; then
                    say "droplet $number ($name) is off: switching it on"
                    api POST "/v2/droplets/$number/actions" '{"type":"power_on"}' || say "the API answers $STATUS: $(picked .message)"
                elif printf '%s\n' "$present" | grep -qx "$name"; then
                    rm -f "$debt"
                fi
                ;;
        esac
        if [ -e "$debt" ]; then
            repay_pause=$((${repay_pause:-3} * 2))
            [ $repay_pause -le 60 ] || repay_pause=60
        else
            repay_pause=3
        fi
        repay_at=$(($(clock) + repay_pause))
    done
}

# resume: when the API is well again pacemaker is to forget that a start has failed for it.
resume() {
    [ -e "$RUN/start-failed" ] || return 0
    api GET "/v2/reserved_ips/$FLOATING_IP" || return 0
    say "the API is well again: the floating IP can start"
    timeout 20 crm_resource --cleanup --resource FloatIP > /dev/null 2>&1 && rm -f "$RUN/start-failed"
}

# know_pages: whether the peer's page can be read while all is well, and where: only then its silence says something.
know_pages() {
    [ "$FENCING" = api ] || return 0
    for name in $(others); do
        api GET "/v2/droplets/$(awk -v name="$name" '$2 == name { print $4 }' "$ETC/peers")" || continue
        public=$(picked '.droplet.networks.v4[] | select(.type == "public") | .ip_address' | head -n 1)
        if [ -n "$public" ] && curl -sf -o /dev/null --connect-timeout 2 --max-time 4 "http://$public:$HEALTH_PORT$HEALTH_PATH"; then
            echo "$public" | put "$STATE/page-$name" 644
        else
            rm -f "$STATE/page-$name"
        fi
    done
}

# prove: a node that has booted alone has no quorum until it has seen its peer. It may go on without if the peer is dead for
# certain, which takes minutes.
prove() {
    [ "$FENCING" = api ] && [ -e "$STATE/done/serving" ] || return 0
    if [ -n "${proving:-}" ] && kill -0 "$proving" 2> /dev/null; then return 0; fi
    [ "$(timeout 10 crm_node -q 2> /dev/null)" = 0 ] || return 0
    name=$(others)
    (
        printf 'action=alone\nplug=%s\npower_timeout=1200\n' "$name" | "$ROOT/usr/sbin/fence_digitalocean" 2> /dev/null || exit 0
        say "$name is dead for certain: this node goes on without it"
        corosync-cmapctl -s quorum.cancel_wait_for_all u8 1
    ) > /dev/null 2>&1 < /dev/null &
    proving=$!
}

forever() {
    asked=-1000 paged=-1000 checked=0
    while :; do
        if [ $(($(clock) - checked)) -ge 30 ]; then
            checked=$(clock)
            "$LIB/firewall" check || say "the node's rules cannot be made"
        fi
        if [ -e "$STATE/done/corosync" ]; then
            hosts
            present=$(members)
            # A cluster that has just started knows nothing yet of what it was told before.
            [ -n "$present" ] || told=''
            now=$(clock)
            if [ "$(printf '%s\n' "$present" | sed '/^$/d' | wc -l)" -lt "$(echo "$NODES" | wc -w)" ]; then
                every=20
                [ -z "$present" ] || prove
            else
                every=600
                rm -f "$RUN/fencing"
                if [ $((now - paged)) -ge 600 ]; then
                    paged=$now
                    know_pages
                fi
            fi
            if [ $((now - asked)) -ge $every ]; then
                asked=$now
                follow_peers
            fi
            repay
            resume
            [ -z "$present" ] || watch_public
        fi
        "$LIB/health" write
        sleep 4
    done
}

case ${1:-} in
    hosts) hosts ;;
    corosync-conf) corosync_conf ;;
    '') forever ;;
    *) die "unknown word $1" ;;
esac
