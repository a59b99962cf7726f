#!/bin/sh
# fence_digitalocean: sees to it that a peer that is lost does not serve any more, by having its droplet reset through the API.
# Options come as key=value lines on standard input; the action also as `-o ACTION` or `--action=ACTION`.
#
# Both nodes may take each other for lost, and the API may be slow, or away, for one of them or for both. So it decides:
#   - Who has the address goes first. The other looks on for a while, asks for the address, waits until it has had it for longer
#     than a request can be on its way, and only then goes on. Time counts only over answers that nothing has interrupted.
#   - Where an arbiter has given its vote to this node the peer has none, and neither fences nor serves: then nobody has to look
#     on, and the address is asked for first, since it need not wait for the reset.
#   - Just before the request leaves everything is looked at once more: the peer is no member again, the address is here, and
#     nobody is resetting this node.
#   - The request is one `power_cycle`: whatever goes wrong, nobody stays off.
#   - Proof of death is one of three: the droplet is off and nothing is about to happen to it; a reset that this node has asked
#     for since it lost the peer is done; the API knows no droplet of the number that the peer had. A list proves nothing.
# The tests hold `decide` row by row against a model of it that has been searched for every order of events.
set -u
# shellcheck source=src/bootstrap/node/common.sh
. "${DOFLOAT_ROOT:-}/usr/local/lib/dofloat/common"

# In seconds. A request leaves at most FRESH after the first of the looks that it follows from, and is given up after PATIENT.
FRESH=2 PATIENT=3
# Longer than a request lives.
SETTLE=6
# For how long a node without the address looks on; the first of the nodes longer, or both could take it in turns for ever.
WATCH=8 LONGER=2
[ "$FENCING_DELAY" -le $WATCH ] || WATCH=$FENCING_DELAY
# The same after a boot alone, without the address and with it.
LONG_WATCH=180 ALONE=60
# A longer pause between two rounds is an interruption; after one of the second kind nothing is known any more.
BREAK=5 LAPSE=30
# For how long it counts that the address was asked for.
RECENT=60
# For how long a proof counts while the peer has not joined again.
AGAIN=20

action='' plug='' patience=150
while [ $# -gt 0 ]; do
    case $1 in
        -o | --action) action=${2:-} && shift ;;
        --action=*) action=${1#*=} ;;
        -n | --plug) plug=${2:-} && shift ;;
        --plug=*) plug=${1#*=} ;;
    esac
    shift
done
if [ -z "$action" ]; then
    while IFS='=' read -r key value; do
        case $key in
            action | option) action=$value ;;
            plug | port) plug=$value ;;
            nodename) [ -n "$plug" ] || plug=$value ;;
            token_file) TOKEN_FILE=$value ;;
            power_timeout) patience=${value%s} ;;
        esac
    done
fi

describe() {
    cat << 'END'
<?xml version="1.0"?>
<resource-agent name="fence_digitalocean" shortdesc="Resets droplets of DigitalOcean">
<longdesc>Takes a node out of service by resetting its droplet through the API of DigitalOcean.</longdesc>
<vendor-url>https://docs.digitalocean.com/reference/api/</vendor-url>
<parameters>
<parameter name="action" unique="0" required="1"><getopt mixed="-o, --action=[action]"/><content type="string" default="reboot"/><shortdesc lang="en">What to do</shortdesc></parameter>
<parameter name="plug" unique="0" required="1" obsoletes="port"><getopt mixed="-n, --plug=[name]"/><content type="string"/><shortdesc lang="en">The node's name</shortdesc></parameter>
<parameter name="port" unique="0" required="0" deprecated="1"><getopt mixed="-n, --plug=[name]"/><content type="string"/><shortdesc lang="en">The node's name</shortdesc></parameter>
<parameter name="token_file" unique="0" required="0"><getopt mixed="--token-file=[file]"/><content type="string" default="/etc/dofloat/token"/><shortdesc lang="en">A file that only root reads, with the token</shortdesc></parameter>
<parameter name="power_timeout" unique="0" required="0"><getopt mixed="--power-timeout=[seconds]"/><content type="second" default="150"/><shortdesc lang="en">How long to go on at a time</shortdesc></parameter>
</parameters>
<actions>
<action name="on" automatic="0"/>
<action name="off"/>
<action name="reboot"/>
<action name="status"/>
<action name="monitor"/>
<action name="list"/>
<action name="metadata"/>
<action name="validate-all"/>
</actions>
</resource-agent>
END
}

# named: sets id to the number of the peer's droplet that was last known, me to this node's own, and where notes are kept.
named() {
    [ -n "$plug" ] || die "no node is named: plug=NAME"
    id=$(awk -v name="$plug" '$2 == name { print $4 }' "$ETC/peers" 2> /dev/null)
    [ -n "$id" ] || die "$plug is none of the peers in /etc/dofloat/peers"
    me=$(own_id) || die "the metadata service does not say which droplet this is"
    [ "$id" != "$me" ] || die "$plug is this node itself"
    notes=$RUN/fence-$plug debt=$STATE/owes-$plug
    mkdir -p "$RUN" "$STATE"
}

# What is kept from round to round. watched: since when the API answers and nothing speaks against a claim. mine: since when the
# address is here. own: the reset that this node has asked for; sent: when it was asked for without an answer, known: the actions
# that there were then, owed: whether the peer was to be seen to before. holder, public: who had the address, and where the peer's
# page is. last: when the last round ended.
recall() {
    watched='' mine='' own='' sent='' known='' owed=false holder='' public='' last=0
    # shellcheck source=/dev/null
    [ ! -s "$notes" ] || . "$notes"
    began=$(clock)
    if [ $((began - last)) -gt $LAPSE ]; then own='' sent='' known=''; fi
    if [ $((began - last)) -gt $BREAK ]; then afresh; fi
}

remember() {
    last=$(clock)
    printf "%s='%s'\n" watched "$watched" mine "$mine" own "$own" sent "$sent" known "$known" owed "$owed" holder "$holder" public "$public" \
        last "$last" | put "$notes" 600
}

afresh() {
    watched='' mine=''
}

# ask NAME PATH: asks in the background; the answer is in a file of that name.
ask() {
    (
        API_PATIENCE=$PATIENT
        request GET "$2"
        printf '%s\n%s\n' "$STATUS" "$ANSWER" > "$asked/$1"
    ) < /dev/null > /dev/null 2>&1 &
}

# answer NAME: reads it; whether it is of use.
answer() {
    ANSWER=$(cat "$asked/$1" 2> /dev/null)
    STATUS=${ANSWER%%"$NEWLINE"*}
    ANSWER=${ANSWER#*"$NEWLINE"}
    : "${STATUS:=000}"
    case $STATUS in 2??) ;; *) return 1 ;; esac
}

# What the API has to do or has done to a droplet, the newest first: number, type, status.
ACTIONS='.actions[] | "\(.id) \(.type) \(.status)"'

# look: one round of questions, all at once. Sets what decide goes by.
look() {
    member=false answered=true voted=false
    if [ -n "${ARBITER:-}" ] && "$LIB/arbiter" voted; then voted=true; fi
    ask peer "/v2/droplets/$id"
    ask peer-actions "/v2/droplets/$id/actions?per_page=50"
    ask address "/v2/reserved_ips/$FLOATING_IP"
    ask own-actions "/v2/droplets/$me/actions?per_page=50"
    # Whom to ask for its page is known from the round before, or from better days.
    : "${public:=$(cat "$STATE/page-$plug" 2> /dev/null)}"
    if [ "$holder" = "$id" ] && [ -n "$public" ]; then read_page "$public"; fi
    seen=$(members)
    wait
    if [ -z "$seen" ]; then answered=false; fi
    if printf '%s\n' "$seen" | grep -qx "$plug"; then member=true; fi
    look_at_peer
    look_at_address
}

look_at_peer() {
    droplet=unknown busy=false state=none
    if answer peer; then
        # shellcheck disable=SC2046 # Words are wanted.
        set -- $(picked '.droplet.status, (.droplet.networks.v4[]? | select(.type == "public") | .ip_address)')
        droplet=${1:-unknown} public=${2:-}
    elif [ "$STATUS" = 404 ]; then
        droplet=gone
    else
        answered=false why=$STATUS
    fi
    if answer peer-actions; then
        actions=$(picked "$ACTIONS") || answered=false why=unreadable
    else
        actions=''
        if [ "$STATUS" != 404 ] || [ "$droplet" != gone ]; then answered=false why=$STATUS; fi
    fi
    # A request without an answer may have arrived: a reset that there was not before is its.
    if [ -n "$sent" ] && [ -z "$own" ]; then
        own=$(printf '%s\n' "$actions" | awk -v known=" $known " '$2 == "power_cycle" && !index(known, " " $1 " ") { print $1; exit }')
        if [ -n "$own" ]; then
            sent=''
        elif [ $((began - sent)) -gt $((FRESH + PATIENT)) ]; then
            came_to_nothing
        else
            state=sent
        fi
    fi
    if [ -n "$own" ]; then
        case $(printf '%s\n' "$actions" | awk -v own="$own" '$1 == own { print $3 }') in
            completed) state='done' ;;
            errored) state=none own='' ;;
            *) state=open ;;
        esac
    fi
    if printf '%s\n' "$actions" | is_pending; then busy=true; fi
}

# is_pending: whether one of the actions that are not this node's own is still to come, and changes whether a droplet runs.
is_pending() {
    awk -v own="$own" '
        $1 != own && $2 ~ /^(power_off|power_on|power_cycle|shutdown|reboot|rebuild|restore|resize|password_reset)$/ \
            && $3 != "completed" && $3 != "errored" { found = 1 }
        END { exit !found }'
}

look_at_address() {
    holder=unknown locked=false attacked=false healthy=false
    if answer address; then
        # shellcheck disable=SC2046 # Words are wanted.
        set -- $(picked "$HOLDER")
        if [ $# -eq 2 ]; then holder=$1 locked=$2; else answered=false why=unreadable; fi
    else
        answered=false why=$STATUS
    fi
    if answer own-actions; then
        mine_pending=$(picked "$ACTIONS") || answered=false why=unreadable
        if printf '%s\n' "$mine_pending" | is_pending; then attacked=true; fi
    else
        answered=false why=$STATUS
    fi
    if [ "$holder" = "$id" ] && serves; then healthy=true; fi
}

# read_page ADDRESS: what the peer says of itself at its public address, in the background.
read_page() {
    curl -sf --connect-timeout 1 --max-time 2 "http://$1:$HEALTH_PORT$HEALTH_PATH" < /dev/null > "$asked/page" 2> /dev/null &
}

# serves: whether the peer says on its page that it has quorum and serves, and has said so lately.
serves() {
    ANSWER=$(cat "$asked/page" 2> /dev/null)
    [ -n "$ANSWER" ] || return 1
    # shellcheck disable=SC2046 # Words are wanted.
    set -- $(picked '.quorum, .holder, .time')
    [ "${1:-}" = true ] && [ "${2:-}" = "$plug" ] || return 1
    told=$(date -u -d "${3:-}" +%s 2> /dev/null) || return 1
    age=$(($(date +%s) - told))
    [ $age -lt 30 ] && [ $age -gt -30 ]
}

# decide: sets move to drop, proof, wait, claim or cycle.
decide() {
    move='wait'
    if [ $member = true ]; then
        afresh
        move=drop
        return
    fi
    if [ $answered = false ]; then
        afresh
        return
    fi
    idle=true
    if [ $busy = true ] || [ $state = sent ] || [ $state = open ]; then idle=false; fi
    if [ "$droplet" = gone ] || [ $state = 'done' ] || { [ "$droplet" = off ] && [ $idle = true ]; }; then
        move=proof
        return
    fi
    # Who is being reset has lost; and nothing is certain while the address moves.
    if [ $attacked = true ] || [ "$locked" = true ]; then
        afresh
        return
    fi
    # Without its vote the peer serves nothing, so the address need not wait for its reset.
    if [ $voted = true ]; then
        afresh
        if [ "$holder" != "$me" ] && ! has_claimed; then
            move=claim
        elif [ $idle = true ]; then
            move=cycle
        fi
        return
    fi
    if [ "$holder" = "$me" ]; then decide_with_address; else decide_without_address; fi
}

# has_claimed: whether the address was asked for lately.
has_claimed() {
    [ -s "$RUN/asked" ] && [ $((began - $(cat "$RUN/asked"))) -lt $RECENT ]
}

decide_with_address() {
    claimed=false
    if has_claimed; then claimed=true; fi
    : "${mine:=$began}"
    if [ $claimed = true ] && [ $((began - mine)) -lt $SETTLE ]; then
        watched=''
        return
    fi
    # What somebody else does to the peer is waited for: only what is this node's is proof.
    if [ $idle = false ]; then
        watched=''
        return
    fi
    if [ $alone = true ] && [ $claimed = false ]; then
        : "${watched:=$began}"
        [ $((began - watched)) -ge $ALONE ] || return 0
    fi
    move=cycle
}

decide_without_address() {
    mine=''
    if [ "$holder" != nobody ]; then
        # Who has booted alone cannot tell a dead holder from a cut link by anything but its page.
        if [ $healthy = true ] || { [ $alone = true ] && [ ! -e "$STATE/page-$plug" ]; }; then
            afresh
            return
        fi
    fi
    limit=$WATCH
    if [ "$(nodeid "$NODE_NAME")" = 1 ]; then limit=$((WATCH + LONGER)); fi
    if [ $alone = true ]; then limit=$LONG_WATCH; fi
    if [ "$holder" = nobody ] && [ "$(nodeid "$NODE_NAME")" = 1 ] && [ $alone = false ]; then limit=0; fi
    : "${watched:=$began}"
    [ $((began - watched)) -ge "$limit" ] || return 0
    watched=''
    move=claim
}

claim() {
    say "asking for $FLOATING_IP, which $plug had"
    clock | put "$RUN/asked" 644
    API_PATIENCE=$PATIENT
    api POST "/v2/reserved_ips/$FLOATING_IP/actions" "{\"type\":\"assign\",\"droplet_id\":$me}" || say "the API answers $STATUS: $(reason)"
}

# cycle: the request leaves, unless what it follows from is too old.
cycle() {
    if [ $(($(clock) - began)) -gt $FRESH ]; then
        say "the API is too slow to act upon what it says"
        return
    fi
    say "resetting droplet $id ($plug)"
    sent=$(clock) known=$(printf '%s\n' "$actions" | awk '{ printf "%s ", $1 }')
    owed=true
    if [ ! -s "$debt" ]; then owed=false && echo "$id" | put "$debt" 644; fi
    remember
    API_PATIENCE=$PATIENT
    api POST "/v2/droplets/$id/actions" '{"type":"power_cycle"}' || say "the API answers $STATUS: $(reason)"
    case $STATUS in
        2??)
            own=$(picked '.action.id // empty')
            [ -z "$own" ] || sent=''
            ;;
        4??) came_to_nothing ;;
    esac
}

# is_back: whether the peer is a member by now. It was looked for at the beginning of the round, and where one outage has cut the
# links and the API, the API's answers come back first.
is_back() {
    members | grep -qx "$plug"
}

# came_to_nothing: of the request, and so nobody has to be seen to for it.
came_to_nothing() {
    sent=''
    [ "$owed" = true ] || rm -f "$debt"
}

# proven: whatever is learnt later belongs to another loss.
proven() {
    say "droplet $id ($plug) is down: $droplet, reset $state"
    rm -f "$notes" "$RUN/fencing"
    echo "$(clock) $(joins)" | put "$RUN/proven-$plug" 644
}

# joins: how often corosync has seen the peer join; nothing where it does not say.
joins() {
    place=$(nodeid "$plug") || return 0
    for key in runtime.members runtime.totem.pg.mrp.srp.members; do
        timeout 5 corosync-cmapctl -g "$key.$place.join_count" 2> /dev/null
    done | sed -n 's/.*= //p' | head -n 1
}

# still_proven: pacemaker asks a second time when the peer comes into sight just before its reset takes effect, and is lost by
# that. It has not joined since, so nothing of it runs that ran when it was proven to be down.
still_proven() {
    [ $alone = false ] && [ -s "$RUN/proven-$plug" ] || return 1
    read -r at joined < "$RUN/proven-$plug"
    [ -n "${joined:-}" ] && [ $(($(clock) - at)) -lt $AGAIN ] && [ "$joined" = "$(joins)" ] || return 1
    if members | grep -qx "$plug"; then return 1; fi
    say "droplet $id ($plug) has not joined since it was found to be down"
}

# tell: why it takes so long, for the health document.
tell() {
    if [ $answered = false ]; then
        text="$plug is lost, and the API does not answer well enough to reset it (${why:-no members are seen})"
    elif [ $attacked = true ]; then
        text="$plug is lost, and this node is about to be reset itself"
    elif [ $state = open ] || [ $busy = true ]; then
        text="$plug is lost; what the API is doing to its droplet is not done yet. If that droplet is dead for certain: stonith_admin --confirm $plug"
    elif [ $healthy = true ]; then
        text="$plug is not seen by this node, and serves"
    else
        text="$plug is lost and about to be reset"
    fi
    echo "$text" | put "$RUN/fencing" 644
}

# fence: round by round, until there is proof, or the peer is back.
fence() {
    named
    if still_proven; then return 0; fi
    asked=$(mktemp -d "$RUN/asked-XXXXXX") || die "no folder for answers"
    trap 'rm -rf "$asked"' EXIT
    trap 'exit 1' TERM INT HUP
    first=$(clock) why='' strange=''
    while :; do
        recall
        rm -f "$asked"/*
        look
        decide
        case $move in
            proof)
                proven
                return 0
                ;;
            claim) claim ;;
            cycle) is_back || cycle ;;
        esac
        remember
        [ $move != drop ] || dropped
        tell
        [ $(($(clock) - first)) -lt "$patience" ] || die "$(cat "$RUN/fencing")"
        pause
    done
}

# dropped: the peer is a member again. One that the cluster itself wants down although it sees it, for a service that it could
# not stop, is watched for a while, and then reset like one that is lost.
dropped() {
    if crm_mon_says_unclean; then
        : "${strange:=$(clock)}"
        if [ $(($(clock) - strange)) -ge 15 ] && [ $answered = true ]; then
            cycle
            strange=$(clock)
        fi
        return 0
    fi
    rm -f "$RUN/fencing"
    die "$plug is a member again"
}

crm_mon_says_unclean() {
    timeout 10 crm_mon --as-xml 2> /dev/null | grep "<node name=\"$plug\"" | grep -q 'unclean="true"'
}

pause() {
    case $why in
        401 | 403 | 429) sleep 2 ;;
    esac
    # The API's budget is everybody's: who can only wait for the end of something does so slowly after a minute.
    if [ $answered = true ] && [ -z "$watched$mine" ] && [ $(($(clock) - first)) -gt 60 ]; then sleep 8; fi
    sleep 1
    why=''
}

# power TYPE: once, as the operator asks.
power() {
    named
    API_PATIENCE=$PATIENT
    api POST "/v2/droplets/$id/actions" "{\"type\":\"$1\"}" || [ "$STATUS" = 404 ] || die "the API answers $STATUS: $(reason)"
}

alone=false
case ${action:-reboot} in
    metadata | meta-data) describe ;;
    validate-all) [ -s "${TOKEN_FILE:-$ETC/token}" ] || die "there is no token in ${TOKEN_FILE:-$ETC/token}" ;;
    # Trouble with the API moves nothing: a device that was taken out of use could fence nobody when it is over.
    monitor)
        [ -s "${TOKEN_FILE:-$ETC/token}" ] || die "there is no token in ${TOKEN_FILE:-$ETC/token}"
        api GET "/v2/reserved_ips/$FLOATING_IP" || say "the API answers $STATUS"
        ;;
    list)
        for name in $NODES; do echo "$name,"; done
        ;;
    status)
        named
        api GET "/v2/droplets/$id" || [ "$STATUS" = 404 ] || die "the API answers $STATUS"
        [ "$(picked .droplet.status)" = active ] || exit 2
        ;;
    # For pacemaker both are the same: that the peer does not run any more as it did. Nobody stays off.
    off | reboot) fence ;;
    # Of this node's own agent, for one that has booted alone.
    alone)
        alone=true
        fence
        ;;
    on) power power_on ;;
    *) die "unknown action $action" ;;
esac
