#!/bin/sh
# Stands for pacemaker's programs, by the name that it is called by.
cd "$WORLD" || exit 1
assign() {
    echo "$1" > holder
    curl -sf -o /dev/null -X POST -H 'Authorization: Bearer of-the-nodes' -H 'Content-Type: application/json' \
        -d "{\"type\": \"assign\", \"droplet_id\": $(cat "id-$1")}" "$API/v2/reserved_ips/$(cat address)/actions"
}
echo "${0##*/} $*" >> pacemaker.log
case ${0##*/} in
    crm_mon)
        for node in node-*; do
            node=${node#node-}
            if [ -e "off-$node" ]; then online=false; else online=true; fi
            if [ -e "standby-$node" ]; then standby=true; else standby=false; fi
            echo "<node name=\"$node\" id=\"1\" online=\"$online\" standby=\"$standby\" standby_onfail=\"false\" maintenance=\"false\"/>"
        done
        ;;
    crm_resource)
        case $* in
            *--locate*) echo "resource FloatIP is running on: $(cat holder) " ;;
            *--clear*) rm -f constraint ;;
            *--move*)
                if [ -e refuses ]; then
                    echo 'Error performing operation: No such device or address' >&2
                    exit 1
                fi
                : > constraint
                while [ "$1" != --node ]; do shift; done
                assign "$2"
                ;;
        esac
        ;;
    crm_attribute)
        case $* in
            *--update\ on*)
                while [ "$1" != --node ]; do shift; done
                : > "standby-$2"
                ;;
            *--delete*)
                while [ "$1" != --node ]; do shift; done
                rm -f "standby-$2"
                ;;
        esac
        ;;
esac
