#!/usr/bin/env bash
# Certificates for tests, made with openssl in the folder given:
#
#   certificates.sh FOLDER authority NAME                  NAME.pem and NAME.key sign others
#   certificates.sh FOLDER issue AUTHORITY NAME SAN [DAYS]  NAME.pem and NAME.key for these subject
#                                                          alternative names; DAYS below 0: expired
#   certificates.sh FOLDER set                             what most tests need, see below
set -euo pipefail
cd "$1"

authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
    -keyout "$1.key" -out "$1.pem" -subj "/O=Baton tests/CN=$1" 2>/dev/null
}

issue() {
  local authority=$1 name=$2 names=$3 days=${4:-30}
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout "$name.key.new" -out "$name.csr" -subj "/O=Baton tests/CN=$name" 2>/dev/null
  openssl x509 -req -in "$name.csr" -CA "$authority.pem" -CAkey "$authority.key" \
    -set_serial "0x$(openssl rand -hex 12)" -days "$days" -out "$name.pem.new" \
    -extfile <(echo "subjectAltName=$names") 2>/dev/null
  # Whoever reads them while they change finds whole files.
  mv "$name.key.new" "$name.key"
  mv "$name.pem.new" "$name.pem"
  rm "$name.csr"
}

set_of_all() {
  local here=DNS:localhost,IP:127.0.0.1,IP:::1
  authority ca
  authority other-ca
  issue ca server "$here"
  issue ca client DNS:client.test,URI:spiffe://baton.test/client,email:client@baton.test,IP:10.0.0.7
  issue ca elsewhere DNS:elsewhere.test
  issue ca expired "$here" -1
  issue other-ca stranger "$here"
  openssl pkey -in server.key -aes128 -passout pass:secret -out encrypted.key
}

case $2 in
  authority) authority "$3" ;;
  issue) issue "${@:3}" ;;
  set) set_of_all ;;
esac
