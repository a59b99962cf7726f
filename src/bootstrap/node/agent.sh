#!/bin/sh
# Keeps a node in step: with its peers' addresses (a replaced peer has another), with its public side (a node that has lost
# it must not hold the floating IP), with the peer that it has fenced (nobody stays off for that), and the health document with
# all of it.
# The API is asked every 20 s only while a member is missing, every 10 minutes otherwise: all share its hourly budget.
#   agent                  goes on for ever
#   agent public PID       watches the public side each second, as long as that process lives
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
    while read -r id name address _ public; do
        printf '    node {\n        ring0_addr: %s\n' "$address"
        [ "$two_links" = false ] || printf '        ring1_addr: %s\n' "$public"
        printf '        name: %s\n        nodeid: %s\n    }\n' "$name" "$id"
    done < "$listed"
    echo '}'
}

quorum() {
    if [ -n "${ARBITER:-}" ]; then
        "$LIB/arbiter" quorum
        return
    fi
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

# After how long a silent node is lost. By default a node may stand still for a second, as it does when it is moved to another
# host, and a death is known after 1.3 s.
timing() {
    token=${TOKEN_TIMEOUT:-1200}
    # Of two nodes that have lost each other none needs to wait for a third one's word: a round or two of theirs is enough.
    consensus=$((token / 12))
    [ $consensus -ge 100 ] || consensus=100
    echo "    token: $token"
    echo "    consensus: $consensus"
    # More tries within the same time; less than 30 ms for one is refused.
    [ "$token" -lt 1000 ] || echo '    token_retransmits_before_loss_const: 10'
}

# knet_link NUMBER: by default knet gives a link up after half a token, and what is sent until it is back is lost: a node that
# stood still for 0.6 s was lost although the token is longer. With one link nothing is gained by giving it up, and with two all is
# sent on both.
knet_link() {
    printf '    interface {\n        linknumber: %s\n        mcastport: %s\n' "$1" $((5405 + $1))
    printf '        knet_ping_interval: 100\n        knet_ping_timeout: 3000\n        knet_pong_count: 1\n    }\n'
}

# corosync 3: the same bytes on every node. The key is used with knet only.
modern_conf() {
    if has_two_links "$listed"; then two_links=true; else two_links=false; fi
    echo 'totem {'
    echo '    version: 2'
    echo "    cluster_name: $CLUSTER_NAME"
    echo "    transport: $TRANSPORT"
    if [ "$TRANSPORT" = knet ]; then
        echo '    crypto_cipher: aes256'
        echo '    crypto_hash: sha256'
    fi
    timing
    # Where one of the links is cut nothing has to switch: a switch may come later than the token is lost.
    [ $two_links = false ] || echo '    link_mode: active'
    [ "$TRANSPORT" != knet ] || knet_link 0
    [ $two_links = false ] || knet_link 1
    echo '}'
    quorum
    nodelist
    logging
}

# corosync_conf [FILE]: with the peers that the file lists.
corosync_conf() {
    listed=${1:-$ETC/peers} two_links=false
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

# Whether anything outside can be reached. A ping that is lost means nothing yet: then the gateway and the API are asked at once,
# and one of them is enough. The API need only take the connection.
is_public_alive() {
    ping -c 1 -W 1 "$gateway" > /dev/null 2>&1 && return 0
    ping -c 1 -W 1 "$gateway" > /dev/null 2>&1 &
    again=$!
    connected=$(curl -s -o /dev/null --connect-timeout 1 --max-time 1 -w '%{time_connect}' "$API_URL" 2> /dev/null)
    if wait $again; then return 0; fi
    case $connected in *[1-9]*) return 0 ;; esac
    return 1
}

# Tells pacemaker; its rule bans the floating IP from a node where it is 0. Told again now and then, since a cluster that has
# just started knows nothing of what it was told before.
watch_public() {
    : "${gateway:=$(metadata interfaces/public/0/ipv4/gateway)}"
    [ -n "$gateway" ] || return
    if is_public_alive; then alive=1; else alive=0; fi
    now=$(clock)
    if [ $alive != "${told:-}" ] || [ $((now - told_at)) -ge 10 ]; then
        timeout 5 attrd_updater -n public_link -U $alive > /dev/null 2>&1 || return
        [ $alive = "${told:-}" ] || say "the public side is $([ $alive = 1 ] && echo alive || echo dead)"
        told=$alive told_at=$now
    fi
}

# public PID: a process of its own, since what else an agent does takes seconds.
public() {
    told_at=0
    while kill -0 "$1" 2> /dev/null; do
        watch_public
        sleep 1
    done
}

# Sees that the public side is watched.
keep_watching() {
    if [ -n "${watching:-}" ] && kill -0 "$watching" 2> /dev/null; then return; fi
    "$LIB/agent" public $$ > /dev/null 2>&1 < /dev/null &
    watching=$!
}

# note_address: whether the address is here, as the metadata service has it: then a start need not ask for it.
note_address() {
    if [ "$(metadata floating_ip/ipv4/ip_address)" = "$FLOATING_IP" ]; then : > "$RUN/here"; else rm -f "$RUN/here"; fi
}

# follow_wish: somebody has given the address to the peer by hand, which its resource agent takes for the wish to move it: the
# resource follows, and stays there without the constraint that has moved it, which ends by itself if nobody takes it away.
follow_wish() {
    [ -s "$RUN/wish" ] || return 0
    read -r name _ < "$RUN/wish"
    [ "$(located 20)" = "$NODE_NAME" ] || return 0
    say "$FLOATING_IP was given to $name by hand: its resource follows"
    timeout 20 crm_resource --resource FloatIP --move --node "$name" --lifetime PT2M > /dev/null 2>&1
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        if [ "$(located 20)" = "$name" ]; then break; fi
        sleep 1
    done
    timeout 20 crm_resource --resource FloatIP --clear > /dev/null 2>&1
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
                    api POST "/v2/droplets/$number/actions" '{"type":"power_on"}' || say "the API answers $STATUS: $(reason)"
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
        # With an arbiter nobody waits for all: a vote is missing, the arbiter's.
        if [ -n "${ARBITER:-}" ]; then "$LIB/arbiter" alone; fi
        corosync-cmapctl -s quorum.cancel_wait_for_all u8 1
    ) > /dev/null 2>&1 < /dev/null &
    proving=$!
}

# keep_parts: our parts of the cluster's configuration stay as the block has them.
keep_parts() {
    [ -e "$STATE/done/configure" ] || return 0
    parts_every=60
    if grep -q ^behind "$RUN/parts" 2> /dev/null; then parts_every=5; fi
    [ $(($(clock) - parted)) -ge $parts_every ] || return 0
    parted=$(clock)
    ("$LIB/parts" step 2> "$RUN/parts-error" || say "the configuration is not brought in step: $(tail -n 1 "$RUN/parts-error")") \
        < /dev/null > /dev/null &
}

forever() {
    asked=-1000 paged=-1000 checked=0 parted=0
    while :; do
        if [ $(($(clock) - checked)) -ge 30 ]; then
            checked=$(clock)
            "$LIB/firewall" check || say "the node's rules cannot be made"
        fi
        if [ -e "$STATE/done/corosync" ]; then
            hosts
            keep_watching
            present=$(members)
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
            if [ -n "${ARBITER:-}" ]; then "$LIB/arbiter" watch > /dev/null 2>&1 < /dev/null & fi
            repay
            resume
            note_address
            follow_wish
            [ -z "$present" ] || keep_parts
        fi
        "$LIB/health" write
        sleep 4
    done
}

case ${1:-} in
    hosts) hosts ;;
    corosync-conf) corosync_conf ;;
    public) public "$2" ;;
    '') forever ;;
    *) die "unknown word $1" ;;
esac
