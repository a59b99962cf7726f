#!/bin/sh
# The node's own rules: user-data is read by root only, and corosync's ports hear the peers alone, on
# both links if there are two.
# User-data is shut twice: by rules of routing, which stand though somebody flushes all of iptables or nftables, need no package, and
# hold for containers, too; and by iptables, for kernels whose routing cannot tell users apart (14.04's). What is in iptables
# stands in chains of its own.
# `firewall check` makes them only if something has removed them.
# Without peers' addresses (`/etc/dofloat/peers` is written when they are known) corosync's ports are left alone.
set -eu
# shellcheck source=src/bootstrap/node/common.sh
. "${DOFLOAT_ROOT:-}/usr/local/lib/dofloat/common"

METADATA_IP=169.254.169.254

# allow PREF UID: lets a user's own packets go to the metadata service. To networkd a rule of the kernel's is nobody's to remove.
allow() {
    set -- pref "$1" to $METADATA_IP iif lo uidrange "$2-$2" lookup main
    ip rule add "$@" protocol kernel 2> /dev/null || ip rule add "$@" 2> /dev/null
}

has_rule() {
    ip rule show 2> /dev/null | grep -q "^$1:.*to $METADATA_IP $2"
}

# shut_routes: root's and the metrics agent's packets go, others' and those that are forwarded do not.
shut_routes() {
    if has_rule 99 prohibit && has_rule 90 'iif lo'; then
        if [ -z "$metrics" ] || ! has_rule 90 'iif lo uidrange' || has_rule 91 "iif lo uidrange $metrics-$metrics"; then return 0; fi
    fi
    for pref in 90 91 99; do
        while ip rule show 2> /dev/null | grep -q "^$pref:" && ip rule del pref $pref; do :; done
    done
    allow 90 0 || ip rule add pref 90 to $METADATA_IP iif lo lookup main || return 1
    [ -z "$metrics" ] || allow 91 "$metrics" || true
    ip rule add pref 99 to $METADATA_IP prohibit protocol kernel 2> /dev/null || ip rule add pref 99 to $METADATA_IP prohibit
}

# fill CHAIN: empties a chain, and hooks it into the one it is named after: DOFLOAT-INPUT into INPUT.
fill() {
    iptables -w -N "$1" 2> /dev/null || iptables -w -F "$1"
    iptables -w -C "${1#DOFLOAT-}" -j "$1" 2> /dev/null || iptables -w -I "${1#DOFLOAT-}" 1 -j "$1"
}

# At boot, and when a peer has changed, several call: rules that two make at once are in no order.
mkdir -p "$RUN"
exec 8> "$RUN/firewall.lock"
flock 8

# What the metadata service tells holds the cluster's key and token; a page with a flaw must not fetch it, nor a container's. The
# provider's own agent for metrics asks there at each start.
metrics=$(id -u do-agent 2> /dev/null) || metrics=''
shut_routes || say "user-data cannot be shut by routing: iptables alone stands before it"
command -v iptables > /dev/null || exit 0

# 14.04's iptables takes -w since an update; without it nothing is lost but the wait.
iptables -w -L -n > /dev/null 2>&1 || {
    iptables() {
        shift
        command iptables "$@"
    }
}

stands() {
    iptables -w -C "$@" 2> /dev/null
}
case ${1:-} in
    check)
        stands OUTPUT -j DOFLOAT-OUTPUT && stands FORWARD -j DOFLOAT-FORWARD \
            && stands DOFLOAT-OUTPUT -d $METADATA_IP -m owner ! --uid-owner 0 -j REJECT \
            && { [ -z "$metrics" ] || stands DOFLOAT-OUTPUT -d $METADATA_IP -m owner --uid-owner "$metrics" -j ACCEPT; } && exit 0
        say "the node's rules are gone: making them anew"
        ;;
esac
fill DOFLOAT-FORWARD
iptables -w -A DOFLOAT-FORWARD -d $METADATA_IP -j DROP
fill DOFLOAT-OUTPUT
[ -z "$metrics" ] || iptables -w -A DOFLOAT-OUTPUT -d $METADATA_IP -m owner --uid-owner "$metrics" -j ACCEPT
iptables -w -A DOFLOAT-OUTPUT -d $METADATA_IP -m owner ! --uid-owner 0 -j REJECT

# open_to LINK ADDRESS: corosync's ports to and from a peer.
open_to() {
    iptables -w -A DOFLOAT-INPUT -i "$1" -s "$2" -p udp -m multiport --dports 5404,5405,5406 -j ACCEPT
    # New packets too: after a reboot the kernel knows of no connection that these could belong to.
    iptables -w -A DOFLOAT-OUTPUT -o "$1" -d "$2" -p udp -m multiport --dports 5404,5405,5406 -j ACCEPT
}

if [ -s "$ETC/peers" ] && link=$(link_of "$(own_private)") && [ -n "$link" ]; then
    second=''
    if has_two_links "$ETC/peers"; then second=$(link_of "$(own_public)"); fi
    fill DOFLOAT-INPUT
    while read -r _ name address _ public; do
        [ "$name" != "$NODE_NAME" ] || continue
        open_to "$link" "$address"
        [ -z "$second" ] || open_to "$second" "$public"
    done < "$ETC/peers"
    iptables -w -A DOFLOAT-INPUT ! -i lo -p udp -m multiport --dports 5404,5405,5406 -j DROP
fi
