#!/bin/sh
# Plays the nodes of a pair for the simulator, which tells it of droplets and addresses, and asks what they answer. Files of the folder
# WORLD are what is so: id-NAME, ip-ADDRESS, node-NAME, off-NAME, standby-NAME, broken-NAME, holder (pacemaker's), api (the API's).
cd "$WORLD" || exit 1
case $DOFLOAT_EVENT in
    create)
        echo "$DROPLET_ID" > "id-$DROPLET_NAME"
        echo "$DROPLET_NAME" > "ip-$PUBLIC_IP"
        : > "node-$DROPLET_NAME"
        ;;
    power_off)
        : > "off-$DROPLET_NAME"
        # The other node takes the address.
        for other in node-*; do
            other=${other#node-}
            if [ "$other" = "$DROPLET_NAME" ] || [ -e "off-$other" ]; then continue; fi
            echo "$other" > holder
            [ ! -e stubborn ] || continue
            # By itself, since the simulator waits for this to end before it answers.
            (
                body="{\"type\": \"assign\", \"droplet_id\": $(cat "id-$other")}"
                curl -sf -X POST -H 'Authorization: Bearer of-the-nodes' -H 'Content-Type: application/json' \
                    -d "$body" "$(cat url)/v2/reserved_ips/$(cat address)/actions"
            ) > /dev/null 2>&1 < /dev/null &
        done
        ;;
    power_on) rm -f "off-$DROPLET_NAME" ;;
    assign)
        echo "$DROPLET_NAME" > api
        echo "$FLOATING_IP" > address
        # A pair takes it for a wish and follows, unless it is a stubborn one.
        if [ ! -e stubborn ]; then echo "$DROPLET_NAME" > holder; fi
        ;;
    ask)
        host=${DOFLOAT_URL#http://}
        host=${host%%/*}
        host=${host%%:*}
        holder=$(cat holder)
        if [ "$host" = "$(cat address)" ]; then name=$(cat api); else name=$(cat "ip-$host"); fi
        [ ! -e "off-$name" ] || exit 1
        case $DOFLOAT_URL in
            *:5480/*) ;;
            *) echo "Droplet: $name" && exit 0 ;;
        esac
        members='' resources=''
        for node in node-*; do
            node=${node#node-}
            if [ -e "off-$node" ]; then continue; fi
            members="$members${members:+, }\"$node\""
            if [ -e "standby-$node" ] || [ -e "broken-$node" ]; then continue; fi
            resources="$resources${resources:+, }{\"name\": \"Nginx\", \"role\": \"Started\", \"node\": \"$node\", \"failed\": false}"
        done
        echo "{\"phase\": \"done\", \"quorum\": true, \"expected\": [\"primary\", \"secondary\"], \"members\": [$members],"
        echo "\"resources\": [$resources], \"holder\": \"$holder\", \"holds\": false}"
        ;;
esac
