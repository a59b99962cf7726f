#!/bin/sh
# The arbiter: a third vote, on a host outside of the pair. How a node is made known to it, and what is done while it is away.
#
# A pair with an arbiter has three votes and needs two of them. Were the arbiter away and then a node too, one would be left and
# nothing would be served, which is worse than no arbiter. So its vote counts only as long as every node has it: when one has been
# without it for a while, and the nodes see each other, they take the rules of a pair without an arbiter, and when all of them
# reach it again they go back to three votes. Both are done by corosync while it runs, and move nothing.
#   arbiter install    makes this node known to the arbiter
#   arbiter quorum     prints what corosync.conf says of votes
#   arbiter watch      one look, and what follows from it
#   arbiter alone      takes the rules of a pair without an arbiter at once
#   arbiter voted      whether the arbiter gives its vote to this node now
#   arbiter told       prints `votes` or `lost`
set -u
# shellcheck source=src/bootstrap/node/common.sh
. "${DOFLOAT_ROOT:-}/usr/local/lib/dofloat/common"

# In seconds. For how long the arbiter must be away, or be there again, before anything is changed. After a change for the worse it
# is not gone back to for RETRY, then for twice as long, until a vote has HELD for a while: an arbiter that is reached but gives no
# vote changes nothing every minute.
LASTING=10 RETRY=5 LONGEST=600 HELD=600
PORT=5403
without=$STATE/without-arbiter
database=$ROOT/etc/corosync/qdevice/net/nssdb

# In milliseconds: the node tells the arbiter every 0.8 of the first that it lives, and the shortest time for that is a second. The
# arbiter takes it for dead after one and a half times as long without a word. The second is how long corosync waits, after a loss,
# for the arbiter to say whose its vote is.
#
# Of two halves that are alive the arbiter prefers the one whose heuristics are good: the node that has the address.
quorum() {
    echo 'quorum {'
    echo '    provider: corosync_votequorum'
    if [ -e "$without" ]; then
        echo '    two_node: 1'
    else
        printf '    device {\n        model: net\n        votes: 1\n        timeout: 1250\n        sync_timeout: 6000\n'
        printf '        net {\n            host: %s\n            port: %s\n            algorithm: ffsplit\n' "$ARBITER" "$PORT"
        printf '            tls: required\n        }\n'
        printf '        heuristics {\n            mode: sync\n            timeout: 1000\n            sync_timeout: 1000\n'
        printf '            exec_holder: /bin/grep -qx 0 /run/dofloat/floatip-%s\n        }\n    }\n' "$FLOATING_IP"
    fi
    echo '}'
}

# The names in the database are those that corosync-qdevice looks for.
install() {
    rm -rf "$database.new"
    (umask 077 && mkdir -p "$database.new")
    certutil -N -d "$database.new" --empty-password || die "certutil makes no database"
    certutil -A -d "$database.new" -t CT,, -n 'QNet CA' -i "$ETC/arbiter/authority.pem" || die "certutil does not take the authority"
    openssl pkcs12 -export -in "$ETC/arbiter/pair.pem" -name 'Cluster Cert' -passout pass: -out "$database.new/pair.p12" \
        || die "openssl does not take the pair's key"
    pk12util -i "$database.new/pair.p12" -d "$database.new" -W '' || die "pk12util does not take the pair's key"
    rm -rf "$database.new/pair.p12" "$database"
    mv "$database.new" "$database"
}

# voted: corosync has the vote, for the membership that there is now, and so quorum.
voted() {
    [ ! -e "$without" ] || return 1
    votes=$(timeout 10 corosync-quorumtool -s 2> /dev/null)
    printf '%s\n' "$votes" | grep -q '^Quorate: *Yes' && printf '%s\n' "$votes" | grep -q ' A,V,.*(local)'
}

# reached: somebody listens there. A word that is no greeting of its protocol is better not said.
reached() {
    passed=$(curl -s -o /dev/null --connect-timeout 2 --max-time 2 -w '%{time_connect}' "telnet://$ARBITER:$PORT" < /dev/null)
    # Where there was no connection it took no time.
    [ -n "$(printf '%s' "$passed" | tr -d '0.,')" ]
}

# since NAME: for how many seconds it has been so; `since NAME no` ends it.
since() {
    if [ "${2:-}" = no ]; then
        rm -f "$RUN/arbiter-$1"
        return
    fi
    [ -s "$RUN/arbiter-$1" ] || clock | put "$RUN/arbiter-$1" 644
    echo $(($(clock) - $(cat "$RUN/arbiter-$1")))
}

pause() {
    cat "$RUN/arbiter-pause" 2> /dev/null || echo $RETRY
}

reload() {
    "$LIB/agent" corosync-conf
    for _ in 1 2 3 4 5; do
        corosync-cfgtool -R > /dev/null 2>&1 && return
        sleep 1
    done
    say "corosync does not take its new configuration"
}

alone() {
    say "$1"
    : > "$without"
    reload
    systemctl disable --now corosync-qdevice.service > /dev/null 2>&1
    longer=$(($(pause) * 2))
    [ $longer -le $LONGEST ] || longer=$LONGEST
    echo "$longer" | put "$RUN/arbiter-pause" 644
    since held no
    since away no
    since left no
    since left > /dev/null
}

together() {
    say "every node reaches the arbiter: its vote counts again"
    rm -f "$without"
    reload
    systemctl reset-failed corosync-qdevice.service > /dev/null 2>&1
    systemctl enable corosync-qdevice.service > /dev/null 2>&1
    systemctl restart corosync-qdevice.service > /dev/null 2>&1 || say "corosync-qdevice does not start"
    since there no
}

# sees: whether the arbiter's vote can be counted on, as far as this node knows.
sees() {
    if [ -e "$without" ]; then
        [ "$(since left)" -ge "$(pause)" ] && reached
    elif voted; then
        [ "$(since held)" -lt $HELD ] || rm -f "$RUN/arbiter-pause"
    else
        since held no
        return 1
    fi
}

watch() {
    if sees; then sight=1; else sight=0; fi
    echo $sight | put "$RUN/arbiter-sight" 644
    timeout 10 attrd_updater -n arbiter -U $sight > /dev/null 2>&1 || return 0
    # Who does not see its peer changes nothing: the rules must be the same on both.
    if [ "$(members | wc -l)" -lt "$(echo "$NODES" | wc -w)" ]; then
        since away no
        since there no
        return 0
    fi
    counted=$(timeout 10 attrd_updater -n arbiter -A -Q 2> /dev/null | grep -c 'value="1"')
    if [ -e "$without" ]; then
        if [ "$counted" -lt "$(echo "$NODES" | wc -w)" ]; then
            since there no
        elif [ "$(since there)" -ge $LASTING ]; then
            together
        fi
    elif [ "$counted" -eq "$(echo "$NODES" | wc -w)" ]; then
        since away no
    elif [ "$(since away)" -ge $LASTING ]; then
        alone "the arbiter at $ARBITER gives no vote to every node: going on without it"
    fi
}

mkdir -p "$RUN" "$STATE"
case ${1:-} in
    install) install ;;
    quorum) quorum ;;
    watch)
        exec 7> "$RUN/arbiter.lock"
        flock -n 7 || exit 0
        watch
        ;;
    alone)
        exec 7> "$RUN/arbiter.lock"
        flock 7
        [ -e "$without" ] || alone "going on without the arbiter"
        ;;
    voted) voted ;;
    told) if [ ! -e "$without" ] && [ "$(cat "$RUN/arbiter-sight" 2> /dev/null)" = 1 ]; then echo votes; else echo lost; fi ;;
    *) die "usage: arbiter install|quorum|watch|alone|voted|told" ;;
esac
