#!/bin/sh
# Makes a fresh droplet a member of its cluster, phase by phase. A phase that fails is tried again; what is done stays done,
# so that a reboot at any moment only delays. /var/lib/dofloat/phase says where it stands, the health document too.
#   bootstrap start      lets it run in the background, now and after a reboot
#   bootstrap            runs it to its end
#   bootstrap PHASE      runs one phase once
set -eu
# shellcheck source=src/bootstrap/node/common.sh
. "${DOFLOAT_ROOT:-}/usr/local/lib/dofloat/common"

PHASES='prepare packages service peers firewall corosync pacemaker configure serving'
COROSYNC=$ROOT/etc/corosync
script_log=/var/log/dofloat-user-script.log
# needrestart would restart this script, and the cluster, in the middle of an installation.
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 NEEDRESTART_MODE=l
# A phase that ends so is not tried again by itself.
HOPELESS=97

is_trusty() { [ "$RELEASE" = trusty ]; }

install_packages() {
    # shellcheck disable=SC2086 # Words are wanted.
    apt-get -qqy -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install --no-install-recommends $1
}

# has_package NAME: whether the archive has it, and not only a name for others.
has_package() {
    apt-cache show "$1" 2> /dev/null | grep -q '^Version:'
}

# start_unit NAME: starts a service now and at every boot.
start_unit() {
    if is_trusty; then
        initctl start "$1" 2> /dev/null || initctl restart "$1" || service "$1" start
    else
        systemctl unmask "$1.service" && systemctl enable "$1.service" && systemctl restart "$1.service"
    fi
}

# set_timezone: whether the node has the zone. A name that has moved is a link in the database's own list.
set_timezone() {
    zones=$ROOT/usr/share/zoneinfo zone=$TIMEZONE
    if [ ! -e "$zones/$zone" ] && [ -e "$zones/tzdata.zi" ]; then
        zone=$(awk -v name="$zone" '$1 == "L" && $3 == name { print $2 }' "$zones/tzdata.zi")
    fi
    [ -n "$zone" ] && [ -f "$zones/$zone" ] || return 1
    echo "$zone" | put "$ROOT/etc/timezone" 644
    ln -sf "/usr/share/zoneinfo/$zone" "$ROOT/etc/localtime"
}

# find_timezone: the zone, from a package if need be; one that cannot be had keeps nobody from serving.
find_timezone() {
    rm -f "$STATE/notes/timezone"
    ! set_timezone || return 0
    for each in tzdata tzdata-legacy; do
        if has_package $each; then install_packages $each || true; fi
    done
    ! set_timezone || return 0
    mkdir -p "$STATE/notes"
    echo "there is no time zone $TIMEZONE on this system: the clock shows UTC" | put "$STATE/notes/timezone" 644
    say "there is no time zone $TIMEZONE"
    TIMEZONE=UTC
    set_timezone || true
}

# What is updated by night, without anybody looking, is not the cluster: an update of its packages or libraries restarts it, on
# both nodes at once. The rest is updated on one node after the other, two hours apart.
leave_alone() {
    mkdir -p "$ROOT/etc/needrestart/conf.d" "$ROOT/etc/apt/apt.conf.d"
    # shellcheck disable=SC2016 # For perl.
    printf '%s\n' '# The cluster and what makes it are restarted by you, one node after the other.' \
        '$nrconf{override_rc}{qr(^(corosync|pacemaker|pacemaker_remote|dofloat-[a-z]+)(\.service)?$)} = 0;' \
        | put "$ROOT/etc/needrestart/conf.d/dofloat.conf" 644
    hour=$((2 * $(nodeid "$NODE_NAME")))
    printf '%s\n' '// The cluster is updated by you, one node after the other.' \
        'Unattended-Upgrade::Package-Blacklist { "corosync"; "libcorosync"; "pacemaker"; "libpacemaker"; "libknet"; "libqb"; };' \
        "Unattended-Upgrade::Automatic-Reboot-Time \"0$((hour + 1)):00\";" | put "$ROOT/etc/apt/apt.conf.d/60dofloat" 644
    if ! is_trusty; then
        mkdir -p "$ROOT/etc/systemd/system/apt-daily-upgrade.timer.d"
        printf '[Timer]\nOnCalendar=\nOnCalendar=*-*-* 0%s:00\nRandomizedDelaySec=30m\nPersistent=false\n' "$hour" \
            | put "$ROOT/etc/systemd/system/apt-daily-upgrade.timer.d/dofloat.conf" 644
        systemctl daemon-reload
    fi
}

# First what tells how the rest goes, and what shuts user-data to others before any service runs. Neither needs a package.
prepare() {
    if [ -d "$ROOT/etc/logrotate.d" ]; then
        printf '/var/log/dofloat.log {\n    weekly\n    maxsize 10M\n    rotate 4\n    compress\n    missingok\n    notifempty\n}\n' \
            | put "$ROOT/etc/logrotate.d/dofloat" 644
    fi
    leave_alone
    "$LIB/firewall"
    "$LIB/health" write
    start_unit dofloat-health
    start_unit dofloat-agent
}

packages() {
    dpkg --configure -a
    apt-get update -qq || die "apt-get update failed: the lists of packages cannot be fetched"
    find_timezone
    if has_package busybox-static; then httpd='busybox-static'; else httpd='busybox'; fi
    install_packages "$httpd iptables jq curl ca-certificates" || die "installing jq and curl failed"
    own_id > /dev/null || die "the metadata service does not answer"
    "$LIB/firewall"
    # It has a better server now.
    start_unit dofloat-health
    wanted='corosync pacemaker crmsh iputils-ping'
    for each in pacemaker-cli-utils resource-agents-extra; do
        if has_package $each; then wanted="$wanted $each"; fi
    done
    has_package resource-agents-extra || wanted="$wanted resource-agents"
    if is_trusty; then
        wanted="$wanted ntp"
    elif ! systemctl list-unit-files | grep -Eq '^(systemd-timesyncd|chrony|ntp|ntpsec)\.service'; then
        wanted="$wanted systemd-timesyncd"
    fi
    [ "$SERVICE" != nginx ] || wanted="$wanted nginx"
    [ -z "${ARBITER:-}" ] || wanted="$wanted corosync-qdevice libnss3-tools openssl"
    install_packages "$wanted" || die "installing $wanted failed"
}

# The page and where nginx listens; and nobody but the cluster starts it.
service_files() {
    if is_trusty; then
        docroot=$ROOT/usr/share/nginx/html
        service nginx stop || true
        update-rc.d -f nginx disable
        echo manual | put "$ROOT/etc/init/nginx.override" 644
    else
        docroot=$ROOT/var/www/html
        systemctl unmask nginx.service
        systemctl disable --now nginx.service
    fi
    # Its monitor lists these folders every two seconds, and complains of an empty one.
    for folder in modules-enabled conf.d; do
        [ ! -d "$ROOT/etc/nginx/$folder" ] || : > "$ROOT/etc/nginx/$folder/dofloat.conf"
    done
    address=$(metadata interfaces/public/0/ipv4/address) || die "the metadata service does not answer"
    mkdir -p "$docroot"
    echo "Droplet: $(metadata hostname), IP Address: $address" | put "$docroot/index.html" 644
    if [ "$LISTEN" = anchor ]; then
        anchor=$(metadata interfaces/public/0/anchor_ipv4/address) || die "the metadata service knows no anchor address"
        # Its own monitor asks on the loopback address.
        sed -i "s/^\(\s*\)listen 80 default_server\(.*\);/\1listen $anchor:80 default_server\2; listen 127.0.0.1:80\2;/
            /^\s*listen \[::\]:80/d" "$ROOT/etc/nginx/sites-available/default"
    fi
}

# user_script: runs the user's own script, five times at most since the bootstrap began, with growing pauses. Then the node stops: it
# would serve what nobody has set up.
user_script() {
    if [ ! -s "$LIB/user-script" ] || [ -e "$STATE/user-script.done" ]; then return 0; fi
    tried=$(cat "$RUN/tried" 2> /dev/null || echo 0)
    case $tried in
        0) ;;
        1) sleep 10 ;;
        2) sleep 20 ;;
        3) sleep 40 ;;
        *) sleep 80 ;;
    esac
    tried=$((tried + 1))
    echo $tried > "$RUN/tried"
    # What it says may be secret: root alone reads it.
    (umask 077 && : >> "$ROOT$script_log")
    code=0
    timeout -k 10 "${USER_SCRIPT_TIMEOUT:-600}" "$LIB/user-script" >> "$ROOT$script_log" 2>&1 < /dev/null || code=$?
    case $code in
        0)
            : > "$STATE/user-script.done"
            return 0
            ;;
        124 | 137) why="the script in user_data was ended after ${USER_SCRIPT_TIMEOUT:-600} s (user_data_timeout)" ;;
        *) why="the script in user_data ended with $code" ;;
    esac
    why="$why, try $tried of 5; what it said is in $script_log"
    [ $tried -ge 5 ] || die "$why"
    echo "$why. The node has stopped here. When the script is mended, apply again; or run $LIB/bootstrap start on the node" >&2
    exit $HOPELESS
}

service_phase() {
    if [ "$SERVICE" = nginx ]; then service_files; fi
    user_script
}

peers() {
    ask_peers || die "the API answers $STATUS when asked for the droplets with the tag $TAG"
    for name in $NODES; do
        printf '%s\n' "$PEERS" | awk -v name="$name" '$2 == name { found = 1 } END { exit !found }' \
            || die "the API shows no droplet $name with a private address yet"
    done
    printf '%s\n' "$PEERS" | put "$ETC/peers" 644
    "$LIB/agent" hosts
}

corosync() {
    mkdir -p "$COROSYNC"
    put "$COROSYNC/authkey" 400 < "$ETC/authkey"
    chown root:root "$COROSYNC/authkey"
    "$LIB/agent" corosync-conf
    if is_trusty; then
        mkdir -p "$COROSYNC/service.d"
        printf 'service {\n    name: pacemaker\n    ver: 1\n}\n' | put "$COROSYNC/service.d/pcmk" 644
        echo START=yes | put "$ROOT/etc/default/corosync" 644
        service corosync restart
    else
        start_unit corosync
    fi
    corosync-cmapctl > /dev/null || die "corosync does not run"
    if [ -n "${ARBITER:-}" ]; then
        "$LIB/arbiter" install
        # An arbiter that is not there yet is no reason to wait: the agent sees to it.
        start_unit corosync-qdevice || say "corosync-qdevice does not start yet"
    fi
}

pacemaker() {
    if is_trusty; then
        update-rc.d pacemaker defaults 20 01
        service pacemaker status > /dev/null || service pacemaker start
    else
        systemctl is-active --quiet pacemaker.service || start_unit pacemaker
    fi
    until=$(($(clock) + 60))
    while [ "$(members | wc -l)" -lt "$(echo "$NODES" | wc -w)" ]; do
        [ "$(clock)" -lt $until ] || die "the cluster has $(members | tr '\n' ' ')so far"
        sleep 1
    done
}

# Written by the first node, and kept in step from then on as far as it is ours: the rest is the operator's. That it was written
# stands in the configuration itself, so that a node that replaces the first one sees it. crm is the operator's tool: it may
# not start (on a Python without what it needs), and nothing here waits for it.
configure() {
    mark=$(timeout 20 crm_attribute --type crm_config --name dofloat --query --quiet 2> /dev/null || true)
    if [ "$mark" != configured ]; then
        [ "$(nodeid "$NODE_NAME")" = 1 ] || die "waiting for the first node to write the configuration"
        timeout 20 crm_mon -1 2> /dev/null | grep 'Current DC:' | grep -qv NONE || die "the cluster has no coordinator yet"
        "$LIB/parts" write
        timeout 20 crm_attribute --type crm_config --name dofloat --update configured
    fi
    "$LIB/parts" step
    timeout 60 crm --version > /dev/null 2>&1 || say "crm does not start on this node: use cibadmin, crm_resource and crm_attribute"
}

serving() {
    [ -n "$(located 20)" ] || die "the floating IP is at no node yet"
}

run() {
    case $1 in
        service) service_phase ;;
        firewall) "$LIB/firewall" ;;
        *) "$1" ;;
    esac
}

all() {
    rm -f "$RUN/tried" "$STATE/stopped"
    for phase in $PHASES; do
        [ ! -e "$STATE/done/$phase" ] || continue
        say "phase $phase"
        echo "$phase" | put "$STATE/phase" 644
        # Where a node waits for the other, the other is seldom long; where it waits for archives or the API, they want to be spared.
        case $phase in corosync | pacemaker | configure | serving) longest=2 ;; *) longest=10 ;; esac
        pause=1
        while :; do
            code=0
            "$LIB/bootstrap" "$phase" > "$RUN/phase.log" 2>&1 || code=$?
            [ $code -ne 0 ] || break
            why=$(tail -n 1 "$RUN/phase.log")
            say "phase $phase failed: $why"
            sed 's/^/    /' "$RUN/phase.log" >> "$LOG"
            printf '%s\n' "$why" | put "$STATE/error" 644
            if [ $code -eq $HOPELESS ]; then
                : > "$STATE/stopped"
                "$LIB/health" write
                exit 0
            fi
            "$LIB/health" write
            sleep $pause
            pause=$((pause * 2))
            [ $pause -le $longest ] || pause=$longest
        done
        sed 's/^/    /' "$RUN/phase.log" >> "$LOG"
        rm -f "$STATE/error"
        : > "$STATE/done/$phase"
        "$LIB/health" write
    done
    echo 'done' | put "$STATE/phase" 644
    "$LIB/health" write
    say "done"
}

mkdir -p "$STATE/done" "$RUN"
case ${1:-} in
    start)
        if is_trusty; then
            initctl start dofloat-bootstrap || true
        else
            systemctl daemon-reload
            systemctl enable dofloat-bootstrap.service dofloat-firewall.service
            systemctl start --no-block dofloat-bootstrap.service
        fi
        ;;
    '')
        exec 9> "$RUN/lock"
        flock -n 9 || die "it runs already"
        all
        ;;
    *) run "$1" ;;
esac
