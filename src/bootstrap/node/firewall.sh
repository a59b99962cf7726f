#!/bin/sh
# The node's own rules, in chains of their own: user-data is read by root only, and corosync's ports hear the peers alone, on
# both links if there are two.
# `firewall check` makes them only if something has flushed them.
# Without peers' addresses (`/etc/dofloat/peers` is written when they are known) only the first rule stands.
set -eu
# shellcheck source=src/bootstrap/node/common.sh
. "${DOFLOAT_ROOT:-}/usr/local/lib/dofloat/common"

# fill CHAIN: empties a chain, and hooks it into the one it is named after: DOFLOAT-INPUT into INPUT.
fill() {
    iptables -w -N "$1" 2> /dev/null || iptables -w -F "$1"
    iptables -w -C "${1#DOFLOAT-}" -j "$1" 2> /dev/null || iptables -w -I "${1#DOFLOAT-}" 1 -j "$1"
}

# 14.04's iptables takes -w since an update; without it nothing is lost but the wait.
iptables -w -L -n > /dev/null 2>&1 || {
    iptables() {
        shift
        command iptables "$@"
    }
}

# At boot, and when a peer has changed, several call: rules that two make at once are in no order.
mkdir -p "$RUN"
exec 8> "$RUN/firewall.lock"
flock 8

# What the metadata service tells holds the cluster's key and token; a page with a flaw must not fetch it, nor a container's. The
# provider's own agent for metrics asks there at each start.
case ${1:-} in
    check)
        iptables -w -C OUTPUT -j DOFLOAT-OUTPUT 2> /dev/null && iptables -w -C FORWARD -j DOFLOAT-FORWARD 2> /dev/null \
            && iptables -w -C DOFLOAT-OUTPUT -d 169.254.169.254 -m owner ! --uid-owner 0 -j REJECT 2> /dev/null && exit 0
        say "the node's rules are gone: making them anew"
        ;;
esac
fill DOFLOAT-FORWARD
iptables -w -A DOFLOAT-FORWARD -d 169.254.169.254 -j DROP
fill DOFLOAT-OUTPUT
if metrics=$(id -u do-agent 2> /dev/null); then
    iptables -w -A DOFLOAT-OUTPUT -d 169.254.169.254 -m owner --uid-owner "$metrics" -j ACCEPT
fi
iptables -w -A DOFLOAT-OUTPUT -d 169.254.169.254 -m owner ! --uid-owner 0 -j REJECT

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
