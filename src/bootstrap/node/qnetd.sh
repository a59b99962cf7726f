#!/bin/sh
# Makes a host the arbiter of pairs: it lends its vote to one node of each. It holds nothing of theirs, and serves several.
# What it and the pairs know each other by is laid down in /etc/dofloat/arbiter before; what is done already is not done again.
set -eu
given=${DOFLOAT_ROOT:-}/etc/dofloat/arbiter
home=${DOFLOAT_ROOT:-}/etc/corosync/qnetd
export DEBIAN_FRONTEND=noninteractive

mark=$(cat "$given/authority.pem" "$given/arbiter.pem" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$home/dofloat" 2> /dev/null)" = "$mark" ]; then exit 0; fi
if [ ! -e "$home/dofloat" ] && corosync-qnetd-tool -l 2> /dev/null | grep -q '^Cluster'; then
    echo "this host is the arbiter of other clusters already, with certificates of its own: it is left as it is" >&2
    exit 1
fi
apt-get update -qq
apt-get -qqy -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install --no-install-recommends \
    corosync-qnetd libnss3-tools openssl
new=$home/nssdb.new
rm -rf "$new"
mkdir -p "$new"
# The names in the database are those that corosync-qnetd looks for.
certutil -N -d "$new" --empty-password
certutil -A -d "$new" -t CT,, -n 'QNet CA' -i "$given/authority.pem"
openssl pkcs12 -export -in "$given/arbiter.pem" -name 'QNetd Cert' -passout pass: -out "$new/arbiter.p12"
pk12util -i "$new/arbiter.p12" -d "$new" -W ''
rm -f "$new/arbiter.p12"
group=$(id -gn "$(systemctl show -p User --value corosync-qnetd.service)")
chgrp -R "$group" "$new"
chmod 750 "$new"
chmod 640 "$new"/*
systemctl stop corosync-qnetd.service
rm -rf "$home/nssdb"
mv "$new" "$home/nssdb"
systemctl enable corosync-qnetd.service
systemctl restart corosync-qnetd.service
echo "$mark" > "$home/dofloat"
