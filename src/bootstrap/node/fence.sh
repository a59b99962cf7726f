#!/bin/sh
# fence_digitalocean: takes a node out of service by powering its droplet off through the API.
# Options come as key=value lines on standard input; the action also as `-o ACTION` or `--action=ACTION`. A node is meant by
# its name: its droplet is looked up by the cluster's tag, so that a replaced droplet is found too.
# "off" is said only on proof. A status alone is none: power_off is sent whatever the API shows, and waited for.
set -u
# shellcheck source=src/bootstrap/node/common.sh
. "${DOFLOAT_ROOT:-}/usr/local/lib/dofloat/common"

action='' plug='' delay=0 patience=90
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
            delay) delay=${value%s} ;;
            power_timeout) patience=${value%s} ;;
        esac
    done
fi
until=$(($(date +%s) + patience))

describe() {
    cat << 'END'
<?xml version="1.0"?>
<resource-agent name="fence_digitalocean" shortdesc="Powers droplets of DigitalOcean off and on">
<longdesc>Takes a node out of service by powering its droplet off through the API of DigitalOcean.</longdesc>
<vendor-url>https://docs.digitalocean.com/reference/api/</vendor-url>
<parameters>
<parameter name="action" unique="0" required="1"><getopt mixed="-o, --action=[action]"/><content type="string" default="reboot"/><shortdesc lang="en">What to do</shortdesc></parameter>
<parameter name="plug" unique="0" required="1" obsoletes="port"><getopt mixed="-n, --plug=[name]"/><content type="string"/><shortdesc lang="en">The node's name</shortdesc></parameter>
<parameter name="port" unique="0" required="0" deprecated="1"><getopt mixed="-n, --plug=[name]"/><content type="string"/><shortdesc lang="en">The node's name</shortdesc></parameter>
<parameter name="token_file" unique="0" required="0"><getopt mixed="--token-file=[file]"/><content type="string" default="/etc/dofloat/token"/><shortdesc lang="en">A file that only root reads, with the token</shortdesc></parameter>
<parameter name="delay" unique="0" required="0"><getopt mixed="--delay=[seconds]"/><content type="second" default="0"/><shortdesc lang="en">Wait before powering off</shortdesc></parameter>
<parameter name="power_timeout" unique="0" required="0"><getopt mixed="--power-timeout=[seconds]"/><content type="second" default="90"/><shortdesc lang="en">How long to go on asking</shortdesc></parameter>
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

# pause: ends the wait when its time is over.
pause() {
    if [ "$(date +%s)" -ge "$until" ]; then
        die "$plug: not done in time; the API's last answer was $STATUS"
    fi
    case $STATUS in
        401 | 403) die "the API refuses the token ($STATUS); fencing needs droplet:read and droplet:update" ;;
        429) sleep 3 ;;
        2??) sleep 0.2 ;;
        *) sleep 0.5 ;;
    esac
}

# droplets NAME: sets ids to those of the droplets of this name, other than this one. A list without this droplet is not
# believed: nobody is declared dead because a list came late.
STATUS=000
droplets() {
    tag=$(printf '%s' "$TAG" | sed 's/%/%25/g; s/:/%3A/g')
    own=$(own_id) || return 1
    api GET "/v2/droplets?tag_name=$tag&per_page=200" || return 1
    ids=$(picked '.droplets[] | "\(.id) \(.name)"' | awk -v own="$own" -v name="$1" '
        $1 == own { seen = 1 }
        $1 != own && $2 == name { print $1 }
        END { exit !seen }')
}

found() {
    [ -n "$plug" ] || die "no node is named: plug=NAME"
    until droplets "$plug"; do pause; done
}

# off ID: powers it off and sees that it is.
off() {
    say "powering droplet $1 ($plug) off"
    while :; do
        api POST "/v2/droplets/$1/actions" '{"type":"power_off"}'
        case $STATUS in
            201)
                event=$(picked .action.id)
                state=in-progress
                while [ "$state" = in-progress ]; do
                    api GET "/v2/droplets/$1/actions/$event"
                    case $STATUS in
                        2??) state=$(picked .action.status) ;;
                        404) state=unknown ;;
                    esac
                    [ "$state" != in-progress ] || pause
                done
                ;;
            404) return 0 ;; # It was destroyed.
        esac
        api GET "/v2/droplets/$1"
        [ "$STATUS" != 404 ] || return 0
        # Refused because it is off already, or done: the status is proof now.
        if [ "${STATUS#2}" != "$STATUS" ] && [ "$(picked .droplet.status)" = off ]; then
            case ${state:-refused} in
                completed | refused)
                    say "droplet $1 ($plug) is off"
                    return 0
                    ;;
            esac
        fi
        pause
    done
}

# on ID: asks until it is taken; a droplet is locked for a moment after it went off.
on() {
    while :; do
        api POST "/v2/droplets/$1/actions" '{"type":"power_on"}' && return 0
        case $STATUS in
            404) return 0 ;;
            422) api GET "/v2/droplets/$1" && [ "$(picked .droplet.status)" = active ] && return 0 ;;
        esac
        pause
    done
}

case ${action:-reboot} in
    metadata | meta-data) describe ;;
    validate-all) [ -s "${TOKEN_FILE:-$ETC/token}" ] || die "there is no token in ${TOKEN_FILE:-$ETC/token}" ;;
    monitor)
        # Only that the token still works; pacemaker asks rarely.
        droplets none || die "the API answers $STATUS"
        ;;
    list)
        for name in $NODES; do echo "$name,"; done
        ;;
    status)
        found
        for id in $ids; do
            api GET "/v2/droplets/$id"
            [ "$(picked .droplet.status)" != active ] || exit 0
        done
        exit 2
        ;;
    off | reboot)
        [ "$delay" -eq 0 ] || sleep "$delay"
        found
        for id in $ids; do off "$id"; done
        # That it comes back is wished, not promised: it is fenced. Nobody waits for it, least of all the address.
        if [ "${action:-reboot}" = reboot ]; then
            (for id in $ids; do (on "$id") || say "droplet $id ($plug) could not be powered on"; done) < /dev/null > /dev/null 2>&1 &
        fi
        ;;
    on)
        found
        for id in $ids; do on "$id"; done
        ;;
    *) die "unknown action $action" ;;
esac
