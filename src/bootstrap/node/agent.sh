#!/bin/sh
# Keeps a node in step: with its peers' addresses (a replaced peer has another), with its public side (a node that has lost
# it must not hold the floating IP), and the health document with both.
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

forever() {
    asked=0
    while :; do
        if [ -e "$STATE/done/corosync" ]; then
            hosts
            present=$(members)
            # A cluster that has just started knows nothing yet of what it was told before.
            [ -n "$present" ] || told=''
            if [ "$(printf '%s\n' "$present" | sed '/^$/d' | wc -l)" -lt "$(echo "$NODES" | wc -w)" ]; then every=20; else every=600; fi
            now=$(date +%s)
            if [ $((now - asked)) -ge $every ]; then
                asked=$now
                follow_peers
            fi
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
