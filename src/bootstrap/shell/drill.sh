#!/bin/sh
# A fault that is made on purpose, on the node that it befalls. It is sent there over ssh, answers before the fault, and ends the fault
# by itself after so many seconds, whatever has become of who asked for it.
#   drill standby SECONDS NODE           NODE runs nothing
#   drill service SECONDS                the web server is killed, as if it had crashed
#   drill freeze SECONDS                 nothing runs on the node, though it is on
#   drill private-link SECONDS ADDRESS   nothing goes to the peer's private address
set -u
PATH=$PATH:/usr/sbin:/sbin

die() {
    echo "$*" >&2
    exit 1
}

needs() { command -v "$1" > /dev/null || die "$1 is not installed"; }

# later COMMANDS SECONDS OF: does them apart from who asked, a second later, so that the answer gets away.
later() {
    setsid sh -c "sleep 1; $1" drill "$2" "$3" > /dev/null 2>&1 < /dev/null &
    echo begun
}

needs setsid
# shellcheck disable=SC2016 # The words are for the shell that is started.
case ${1:-} in
    standby)
        needs crm_attribute
        standby='crm_attribute --type nodes --node "$2" --name standby'
        later "$standby --update on; sleep \"\$1\"; $standby --delete" "$2" "$3"
        ;;
    service)
        needs pkill
        pgrep -x nginx > /dev/null || die "no nginx runs here"
        # Pacemaker forgets the failure by itself (failure-timeout). To clean it up would move the address while nginx is probed.
        later 'pkill -9 -x nginx' "$2" ''
        ;;
    freeze)
        # All but the first process and the one that does this.
        later 'kill -s STOP -- -1; sleep "$1"; kill -s CONT -- -1' "$2" ''
        ;;
    private-link)
        needs ip
        later 'ip route add blackhole "$2/32"; sleep "$1"; ip route del blackhole "$2/32"' "$2" "$3"
        ;;
    *) die "usage: drill KIND SECONDS [NODE|ADDRESS]" ;;
esac
