#!/bin/sh
# What an operator does to a pair on purpose. It is sent to one of the nodes over ssh and leaves no file there; pacemaker 1.1.10 and
# everything later has these options.
#   pair move NODE       lets NODE have the floating IP; a constraint that was needed for it is gone afterwards
#   pair standby NODE    lets NODE run nothing; refused unless another node could
#   pair online NODE     lets it run again what it should
# Whoever kills it leaves nothing behind but a constraint that ends by itself after two minutes.
set -u
PATH=$PATH:/usr/sbin:/sbin

die() {
    echo "$*" >&2
    exit 1
}

nodes() {
    timeout 20 crm_mon --as-xml 2> /dev/null | grep '<node name=".* online="'
}

# is_ready NODE: whether it may run what the cluster has.
is_ready() {
    line=$(nodes | grep "<node name=\"$1\" ") || return 1
    case $line in
        *\ standby=\"true\"* | *\ maintenance=\"true\"* | *\ pending=\"true\"* | *\ unclean=\"true\"*) return 1 ;;
        *\ online=\"true\"*) return 0 ;;
    esac
    return 1
}

in_standby() { nodes | grep "<node name=\"$1\" " | grep -q ' standby="true"'; }

located() {
    timeout 20 crm_resource --resource FloatIP --locate 2> /dev/null | sed -n 's/.* is running on: *\([^ ]*\).*/\1/p' | head -n 1
}

# within SECONDS COMMAND: waits until it succeeds.
within() {
    left=$1
    shift
    until "$@"; do
        [ "$left" -gt 0 ] || return 1
        left=$((left - 1))
        sleep 1
    done
}

is_at() { [ "$(located)" = "$1" ]; }
is_not_at() { [ "$(located)" != "$1" ]; }

clear_move() { timeout 20 crm_resource --resource FloatIP --clear > /dev/null 2>&1; }

move() {
    is_ready "$1" || die "pacemaker does not have $1 as a node that may run something: it is offline, or in standby or maintenance"
    if is_at "$1"; then return 0; fi
    trap clear_move EXIT
    trap 'exit 1' HUP INT TERM PIPE
    why=$(timeout 20 crm_resource --resource FloatIP --move --node "$1" --lifetime PT2M 2>&1 > /dev/null) \
        || die "crm_resource does not move FloatIP: $(printf '%s' "$why" | tail -n 1)"
    within 60 is_at "$1" || die "FloatIP does not start on $1 within a minute; \`crm_mon -1rf\` on a node tells why"
}

standby() {
    if in_standby "$1"; then return 0; fi
    other=$(nodes | sed -n 's/.*<node name="\([^"]*\)".*/\1/p' | grep -vx "$1" | while read -r name; do
        if is_ready "$name"; then echo "$name"; fi
    done | head -n 1)
    [ -n "$other" ] || die "no other node may run what $1 runs"
    # Moved first, the address is not asked for while the service stops.
    if is_at "$1"; then move "$other"; fi
    timeout 20 crm_attribute --type nodes --node "$1" --name standby --update on > /dev/null 2>&1 \
        || die "crm_attribute does not put $1 in standby"
    if ! within 60 in_standby "$1" || ! within 60 is_not_at "$1"; then die "$1 does not come to be in standby within a minute"; fi
}

online() {
    for section in nodes status; do
        timeout 20 crm_attribute --type $section --node "$1" --name standby --delete > /dev/null 2>&1
    done
    within 60 is_ready "$1" || die "$1 does not come to be online within a minute"
}

case ${1:-} in
    move | standby | online)
        nodes > /dev/null || die "pacemaker does not run here"
        "$1" "$2"
        ;;
    *) die "usage: pair move|standby|online NODE" ;;
esac
