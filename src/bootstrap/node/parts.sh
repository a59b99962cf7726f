#!/bin/sh
# The parts of the cluster's configuration that are ours: what the block says is held against what the cluster has, and brought
# in step. A part that is otherwise than this script last wrote it was changed by hand: it is left alone, and told. All else in
# the configuration is the operator's, and never looked at. What was last written of each part stands in the configuration itself
# (the property dofloat-parts), so that a replaced node knows it too.
#   parts wanted    prints the parts, a line each: name, section, XML (none for a part that is not wanted)
#   parts mark      prints what this node would write, in short; nodes with the same mark want the same
#   parts write     writes all of them: the first configuration of a new cluster
#   parts step      brings them in step, if all nodes want the same, and notes what is not: /run/dofloat/parts
set -eu
# shellcheck source=src/bootstrap/node/common.sh
. "${DOFLOAT_ROOT:-}/usr/local/lib/dofloat/common"

TAB=$(printf '\t')

row() { printf '%s\t%s\t%s\n' "$1" "$2" "$3"; }

# property NAME [VALUE], default NAME VALUE: an option of the cluster, or of all its resources; without a value it is not wanted.
property() { row "$1" crm_config "${2:+<nvpair id=\"cib-bootstrap-options-$1\" name=\"$1\" value=\"$2\"/>}"; }
default() { row "$1" rsc_defaults "<nvpair id=\"rsc-options-$1\" name=\"$1\" value=\"$2\"/>"; }

# pair SET NAME VALUE, op RESOURCE NAME INTERVAL TIMEOUT [MORE]: what a primitive has.
pair() { printf '<nvpair id="%s-%s" name="%s" value="%s"/>' "$1" "$2" "$2" "$3"; }
op() { printf '<op id="%s-%s" name="%s" interval="%s" timeout="%s"%s/>' "$1" "$2" "$2" "$3" "$4" "${5:+ $5}"; }

floatip() {
    printf '<primitive id="FloatIP" class="ocf" provider="digitalocean" type="floatip"><instance_attributes id="FloatIP-params">'
    pair FloatIP-params floating_ip "$FLOATING_IP"
    pair FloatIP-params token_file /etc/dofloat/token
    printf '</instance_attributes><operations>'
    op FloatIP start 0s 60s
    op FloatIP monitor 10s 20s
    op FloatIP stop 0s 20s
    printf '</operations><meta_attributes id="FloatIP-meta">'
    pair FloatIP-meta priority 10
    printf '</meta_attributes></primitive>'
}

# nginx: it runs on both nodes.
nginx() {
    if [ "$RELEASE" = trusty ]; then interval=10s; else interval=2s; fi
    printf '<clone id="Nginx-clone"><meta_attributes id="Nginx-clone-meta">'
    pair Nginx-clone-meta interleave true
    printf '</meta_attributes><primitive id="Nginx" class="ocf" provider="heartbeat" type="nginx"><instance_attributes id="Nginx-params">'
    pair Nginx-params httpd /usr/sbin/nginx
    printf '</instance_attributes><operations>'
    op Nginx start 0s 40s
    op Nginx monitor $interval 30s 'on-fail="restart"'
    op Nginx stop 0s 60s
    printf '</operations></primitive></clone>'
}

# fence NAME: what resets that node.
fence() {
    printf '<primitive id="Fence-%s" class="stonith" type="fence_digitalocean"><instance_attributes id="Fence-%s-params">' "$1" "$1"
    pair "Fence-$1-params" plug "$1"
    pair "Fence-$1-params" pcmk_host_list "$1"
    pair "Fence-$1-params" pcmk_host_check static-list
    printf '</instance_attributes><operations>'
    op "Fence-$1" monitor 600s 60s
    printf '</operations></primitive>'
}

# if_fencing TEXT, if_nginx TEXT: the text where that is wanted, nothing otherwise.
if_fencing() { [ "$FENCING" != api ] || printf '%s' "$1"; }
if_nginx() { [ "$SERVICE" != nginx ] || printf '%s' "$1"; }

# Every part that there is, wanted or not: a new part is one row. They are made in this order, and those that are not wanted go in
# the other.
wanted() {
    row Nginx-clone resources "$(if_nginx "$(nginx)")"
    row FloatIP resources "$(floatip)"
    for name in $NODES; do
        row "Fence-$name" resources "$(if_fencing "$(fence "$name")")"
    done
    # The agent of the node says whether its public side is alive.
    rule='<rule id="FloatIP-public-rule" score="-INFINITY"><expression id="FloatIP-public-told" attribute="public_link" operation="defined"/>'
    rule="$rule<expression id=\"FloatIP-public-dead\" attribute=\"public_link\" operation=\"eq\" value=\"0\"/></rule>"
    row FloatIP-public constraints "<rsc_location id=\"FloatIP-public\" rsc=\"FloatIP\">$rule</rsc_location>"
    row FloatIP-Nginx constraints \
        "$(if_nginx '<rsc_colocation id="FloatIP-Nginx" score="INFINITY" rsc="FloatIP" with-rsc="Nginx-clone"/>')"
    row Nginx-FloatIP constraints "$(if_nginx '<rsc_order id="Nginx-FloatIP" kind="Mandatory" first="Nginx-clone" then="FloatIP"/>')"
    for name in $NODES; do
        away="<rsc_location id=\"Fence-$name-elsewhere\" rsc=\"Fence-$name\" score=\"-INFINITY\" node=\"$name\"/>"
        row "Fence-$name-elsewhere" constraints "$(if_fencing "$away")"
    done
    default resource-stickiness 100
    default migration-threshold 3
    default failure-timeout 120s
    property cluster-recheck-interval 60s
    # How long a node that starts listens for a coordinator before it calls an election (20 s by default). Where both start at once
    # there is none to be heard. Where a node may act without having seen the other, it goes on listening as long as ever.
    property dc-deadtime "$([ "$NO_QUORUM_POLICY" != stop ] || echo 5s)"
    # A start that the API has failed is tried again where it was; a node is given up after several.
    property start-failure-is-fatal false
    property no-quorum-policy "$NO_QUORUM_POLICY"
    # No delay of pacemaker's: it is over before the API can be asked. The agent itself lets the owner go first.
    property priority-fencing-delay
    property stonith-timeout "$(if_fencing 180s)"
    property stonith-max-attempts "$([ "$RELEASE" = trusty ] || if_fencing 10000)"
    # Last, when there is what fences.
    property stonith-enabled "$(if [ "$FENCING" = api ]; then echo true; else echo false; fi)"
}

# is_older NAME LIVE: whether a part of which nothing is remembered is as an earlier dofloat has written it, or may have.
is_older() {
    case $1=$2 in
        no-quorum-policy=stop | no-quorum-policy=ignore | stonith-enabled=true | stonith-enabled=false) ;;
        stonith-timeout=180 | priority-fencing-delay=?*) ;;
        FloatIP=*) [ "$2" = "$(normal FloatIP resources "$(floatip)")" ] ;;
        *) return 1 ;;
    esac
}

# was_always NAME: whether every dofloat has written it, so that where it is missing, somebody has taken it out.
was_always() {
    case $1 in FloatIP | FloatIP-public | no-quorum-policy | stonith-enabled) ;; *) return 1 ;; esac
}

# normal NAME SECTION XML: a part in the form in which it is compared, whoever wrote it: without what it is called within, without
# what is so by default, and in one order. Of an option its value. Nothing if there is none. The XML may be more than the part.
normal() {
    case $2 in
        crm_config | rsc_defaults) printf '%s\n' "$3" | lines | option "$1" "$2" ;;
        *) printf '%s\n' "$3" | lines | element "$1" | sort ;;
    esac
}

# lines: an element a line.
lines() { sed 's/^ *//; s/></>\
</g'; }

# option NAME SECTION: its value. Pacemaker 3 has another name for some, and prefers that.
option() {
    awk -v name="$1" -v section="$2" '
        function value(of) {
            if (!match($0, " " of "=\"[^\"]*\"")) return ""
            return substr($0, RSTART + length(of) + 3, RLENGTH - length(of) - 4)
        }
        BEGIN { newer = name; sub(/^stonith-/, "fencing-", newer) }
        /^<(crm_config|rsc_defaults|op_defaults|resources|constraints|nodes|status)[ >]/ { here = $0; sub(/^</, "", here); sub(/[ >].*/, "", here) }
        /^<nvpair / && (here == section || here == "") && (value("name") == name || value("name") == newer) {
            if (value("name") != name || found == "") found = value("value")
        }
        END { if (found ~ /^[0-9]+s$/) sub(/s$/, "", found); if (found != "") print found }'
}

# element ID: a line for each element within that says something.
element() {
    awk -v id="$1" '
        function told(    rest, text, name, value, all, count, i, j, swap) {
            rest = $0
            count = 0
            while (match(rest, / [A-Za-z_:-]+="[^"]*"/)) {
                text = substr(rest, RSTART + 1, RLENGTH - 1)
                rest = substr(rest, RSTART + RLENGTH)
                name = text; sub(/=.*/, "", name)
                value = substr(text, length(name) + 3, length(text) - length(name) - 3)
                if (value ~ /^[0-9]+s$/) sub(/s$/, "", value)
                if (name == "id" || name == "boolean-op" && value == "and" || name == "role" && value == "Started") continue
                # A whole order either way.
                if (tag == "rsc_order" && (name == "kind" && value == "Mandatory" || name == "score" && value == "INFINITY")) continue
                all[++count] = name "=" value
            }
            for (i = 2; i <= count; i++)
                for (j = i; j > 1 && all[j] < all[j - 1]; j--) { swap = all[j]; all[j] = all[j - 1]; all[j - 1] = swap }
            text = within " " tag
            for (i = 1; i <= count; i++) text = text " " all[i]
            # What was stopped by hand and started again is as it was.
            if (text ~ / name=target-role value=Started$/ || text ~ / name=is-managed value=true$/) return
            print text
        }
        { tag = $0; sub(/^<\/?/, "", tag); sub(/[ \/>].*/, "", tag) }
        !inside && /^<(primitive|clone|group|rsc_location|rsc_colocation|rsc_order) / && index($0, " id=\"" id "\"") { inside = 1; depth = 0 }
        !inside { next }
        /^<\// {
            depth--
            if (tag == within) within = ""
            if (depth == 0) exit
            next
        }
        {
            if (tag == "meta_attributes" || tag == "instance_attributes" || tag == "operations") {
                if ($0 !~ /\/>$/) within = tag
            } else told()
            if ($0 !~ /\/>$/) depth++
            if (depth == 0) exit
        }'
}

# digest TEXT: in short; - for nothing.
digest() {
    if [ -z "$1" ]; then echo -; else printf '%s\n' "$1" | sha256sum | cut -c1-10; fi
}

mark() { digest "$(wanted)"; }

cib() { timeout 60 cibadmin "$@"; }

# read_cib: the configuration as it is, and what is remembered of our parts as they were last written, a word each: NAME=DIGEST.
read_cib() {
    live=$(cib --query --scope configuration) || die "the cluster's configuration cannot be read"
    memory=$(printf '%s\n' "$live" | lines | option dofloat-parts crm_config)
    configured=$(printf '%s\n' "$live" | lines | option dofloat crm_config)
}

# remembered NAME: what is remembered of it.
remembered() { printf '%s\n' "$memory" | tr ' ' '\n' | sed -n "s/^$1=//p"; }

# judge NAME SECTION XML: what is to become of a part: keep, make, change, take; or hand where somebody else has changed it.
judge() {
    is=$(normal "$1" "$2" "$live")
    want=$(normal "$1" "$2" "$3")
    is_short=$(digest "$is") want_short=$(digest "$want") was=$(remembered "$1")
    verdict=hand
    if [ "$is" = "$want" ]; then
        verdict=keep
        return
    fi
    if [ -n "$was" ]; then
        [ "$was" = "$is_short" ] || return 0
    elif [ -z "$is" ]; then
        if [ "$configured" = configured ] && was_always "$1"; then return 0; fi
    elif ! is_older "$1" "$is"; then
        return 0
    fi
    if [ -z "$is" ]; then
        if [ "$2" != constraints ] || stands "$3"; then verdict="make"; fi
    elif [ -z "$want" ]; then
        verdict=take
    else
        verdict=change
    fi
}

# stands CONSTRAINT: whether all that it speaks of is there, or about to be: what somebody has taken out takes it along.
stands() {
    for of in $(printf '%s\n' "$1" | grep -oE ' (rsc|with-rsc|first|then)="[^"]*"' | sed 's/.*="//; s/"//'); do
        if ! printf '%s\n' "$live" | grep -q " id=\"$of\"" && [ "$(wanted | sed -n "/^$of$TAB/p" | each verdict_of | cut -d' ' -f1)" != make ]; then
            return 1
        fi
    done
}

# each COMMAND: for each part that is read COMMAND NAME SECTION XML.
each() {
    while IFS="$TAB" read -r part section xml; do
        "$1" "$part" "$section" "$xml" || return 1
    done
}

# backwards: the lines from the last to the first.
backwards() { awk '{ all[NR] = $0 } END { for (i = NR; i > 0; i--) print all[i] }'; }

# verdict_of: what judge says, as a line: the verdict, the name, what is wanted, what is remembered.
verdict_of() {
    judge "$@"
    echo "$verdict $1 $want_short $was"
}

# made: the parts that are to be made, as one piece, so that nothing starts without its constraints and nobody is to fence before
# there is what fences.
made_of() {
    judge "$@"
    if [ "$verdict" = make ] && [ "$2" = "$only" ]; then printf '%s' "$3"; fi
}
made() {
    for only in crm_config resources constraints rsc_defaults; do
        text=$(wanted | each made_of)
        case $only in
            crm_config) text="${text:+<cluster_property_set id=\"cib-bootstrap-options\">$text</cluster_property_set>}" ;;
            rsc_defaults) text="${text:+<meta_attributes id=\"rsc-options\">$text</meta_attributes>}" ;;
        esac
        [ -z "$text" ] || printf '<%s>%s</%s>' $only "$text" $only
    done
}

# place NAME SECTION: where in the configuration a part is.
place() {
    case $2 in
        crm_config | rsc_defaults) echo "//$2//nvpair[@name='$(name_of "$1")']" ;;
        *) echo "//$2/*[@id='$1']" ;;
    esac
}

# name_of OPTION: as the cluster has it.
name_of() {
    newer=fencing-${1#stonith-}
    case $1 in stonith-*) ! printf '%s\n' "$live" | grep -q "<nvpair .*name=\"$newer\"" || set -- "$newer" ;; esac
    echo "$1"
}

change_of() {
    judge "$@"
    [ "$verdict" = change ] || return 0
    xml=$(printf '%s\n' "$3" | sed "s/ name=\"$1\"/ name=\"$(name_of "$1")\"/")
    cib --replace --xpath "$(place "$1" "$2")" --xml-text "$xml" > /dev/null || die "$1 of the cluster's configuration cannot be written"
    say "$1 of the cluster's configuration is as the block has it now"
}

take_of() {
    judge "$@"
    [ "$verdict" = take ] || return 0
    cib --delete --xpath "$(place "$1" "$2")" > /dev/null || die "$1 cannot be taken out of the cluster's configuration"
    say "$1 is out of the cluster's configuration, as the block has it"
}

# keep_memory: of a part that is as it is wanted it is remembered; of one that was changed by hand what was last written.
keep_memory() {
    read_cib
    # shellcheck disable=SC2046 # Words are wanted.
    set -- $(wanted | each verdict_of | awk '
        $1 == "keep" && $3 != "-" { print $2 "=" $3 }
        $1 != "keep" && $4 != "" { print $2 "=" $4 }')
    [ "$*" = "$memory" ] || timeout 60 crm_attribute --type crm_config --name dofloat-parts --update "$*"
}

bring_in_step() {
    read_cib
    new=$(made)
    if [ -n "$new" ]; then
        printf '<configuration>%s</configuration>' "$new" | cib --modify --allow-create --scope configuration --xml-pipe > /dev/null
    fi
    read_cib
    wanted | each change_of
    read_cib
    wanted | backwards | each take_of
    keep_memory
}

# told NAME: the mark that a node has told its members.
told() {
    cib --query --xpath "//node_state[@uname='$1']//nvpair[@name='dofloat-parts']" 2> /dev/null | sed -n 's/.* value="\([^"]*\)".*/\1/p'
}

# agreed: whether all nodes are members and want the same. What one tells is forgotten when it leaves.
agreed() {
    own=$(mark)
    for name in $NODES; do
        if [ "$(told "$name")" != "$own" ]; then return 1; fi
    done
}

# step: only the first node writes. What is not in step is noted for the health document, a line each: hand or behind, and the name.
step() {
    own=$(mark)
    if [ "$(told "$NODE_NAME")" != "$own" ]; then attrd_updater -n dofloat-parts -U "$own" > /dev/null; fi
    read_cib
    # Nothing has changed since all was in step.
    if [ "$(digest "$live$own")" = "$(cat "$RUN/parts-seen" 2> /dev/null)" ]; then return 0; fi
    [ "$configured" = configured ] || return 0
    seen=true
    if [ "$(nodeid "$NODE_NAME")" = 1 ]; then
        if agreed; then bring_in_step; else seen=false; fi
        read_cib
    fi
    wanted | each verdict_of | awk '$1 == "hand" { print "hand", $2 } $1 ~ /^(make|change|take)$/ { print "behind", $2 }' | put "$RUN/parts" 644
    if grep -q ^behind "$RUN/parts"; then seen=false; fi
    if [ $seen = true ]; then digest "$live$own" | put "$RUN/parts-seen" 644; else rm -f "$RUN/parts-seen"; fi
}

mkdir -p "$RUN"
exec 9> "$RUN/parts.lock"
# Another one that brings them in step is enough.
if [ "${1:-}" = step ]; then flock -n 9 || exit 0; else flock 9; fi
case ${1:-} in
    wanted) wanted ;;
    mark) mark ;;
    write) bring_in_step ;;
    step) step ;;
    *) die "usage: parts wanted|mark|write|step" ;;
esac
