#!/bin/sh
# Gives a floating IP to a droplet: DO_TOKEN=... assign-ip IP DROPLET_ID
# Ends when the API shows that the droplet holds it. 0: it does; 1: not within the time; 2: wrong usage; 3: no such address
# or droplet; 4: the token is refused.
# ASSIGN_PATIENCE is how many seconds it goes on; the floating IP's agent gives what pacemaker gives it. With ASSIGN_FIRST=yes
# it asks for the address before it looks who has it: a look costs a third of a second in which nobody is served.
set -u
if [ $# -ne 2 ]; then
    echo "usage: DO_TOKEN=... assign-ip IP DROPLET_ID" >&2
    exit 2
fi
# shellcheck source=src/bootstrap/node/common.sh
. "${DOFLOAT_ROOT:-}/usr/local/lib/dofloat/common"

ip=$1
droplet=$2
until=$(($(clock) + ${ASSIGN_PATIENCE:-50}))
API_PATIENCE=5

# refused: whether asking again is of no use; then it ends.
refused() {
    case $STATUS in
        401 | 403)
            echo "the API refuses the token ($STATUS); it needs reserved_ip:read, reserved_ip:update and droplet:read" >&2
            exit 4
            ;;
        404)
            echo "the API knows no address $ip" >&2
            exit 3
            ;;
        400)
            echo "the API does not understand: $(reason)" >&2
            exit 3
            ;;
    esac
}

# ask_for: asks for the address to be here.
ask_for() {
    asked=true
    # Who fences must know how long it has had the address. Nobody's notes are kept for a user's own call.
    [ ! -w "$RUN" ] || clock | put "$RUN/asked" 644
    api POST "/v2/reserved_ips/$ip/actions" "{\"type\":\"assign\",\"droplet_id\":$droplet}" || say "the API answers $STATUS: $(reason)"
}

# require_droplet: ends if a request was refused because there is no such droplet. The words differ, and it is refused in the same way
# while something is pending; whether there is the droplet can be asked.
require_droplet() {
    refusal=$STATUS
    case $refusal in
        404 | 422)
            if [ -z "${exists:-}" ]; then request GET "/v2/droplets/$droplet"; fi
            if [ -z "${exists:-}" ] && [ "$STATUS" = 404 ]; then
                echo "the API knows no droplet $droplet" >&2
                exit 3
            fi
            case $STATUS in 2??) exists=true ;; esac
            ;;
    esac
    STATUS=$refusal
}

asked=false
# What is wrong with it shows when it is looked at.
[ "${ASSIGN_FIRST:-}" != yes ] || ask_for
while :; do
    if api GET "/v2/reserved_ips/$ip"; then
        # shellcheck disable=SC2046 # Words are wanted.
        set -- $(picked "$HOLDER")
        holder=${1:-nobody} locked=${2:-true}
        if [ "$holder" = "$droplet" ] && [ "$locked" != true ]; then
            [ "$asked" = false ] || say "$ip is here, at droplet $droplet"
            exit 0
        fi
        if [ "$locked" != true ]; then
            say "$ip is at $holder: asking for it to be at $droplet"
            ask_for
            require_droplet
            refused
        fi
    else
        refused
        say "the API answers $STATUS when asked who holds $ip"
    fi
    if [ "$(clock)" -ge "$until" ]; then
        echo "$ip is not at droplet $droplet yet; the API's last answer was $STATUS" >&2
        exit 1
    fi
    case $STATUS in
        429) sleep 3 ;;
        2??) sleep 0.3 ;;
        *) sleep 1 ;;
    esac
done
