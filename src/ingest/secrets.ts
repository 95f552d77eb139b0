/** A text before masking and after it. A pair of the same texts shows what looks like a secret and is none. */
export interface SecretSample {
  readonly before: string;
  readonly after: string;
}

/** One way in which programs write a secret. */
export interface SecretPattern {
  /** Kebab-case, unique. */
  readonly name: string;
  readonly title: string;
  /** Global; matches up to where the secret begins, within one line. A group `quote` is what the value stands in. */
  readonly opens: RegExp;
  /** Sticky; matches the secret itself. Absent: the rest of a JSON string whose quote is `quote`, however often it is escaped. */
  readonly secret?: RegExp;
  readonly samples: readonly SecretSample[];
}

/** What names of secrets end in; `PWD` by itself is a folder. `key-secret`, `password-secret` and `cookie-secret` of QEMU name a secret's id. */
const WORD = String.raw`(?:passw(?:or)?d|(?<=[\w.-])(?<!old)pwd|passphrase|(?<!(?:key|password|cookie)-)secret|secret[._-]?key|secret[._-]?access[._-]?key|private[._-]?key|api[._-]?key|token|sessionkey|jsessionid)`;
/** A whole name. */
const NAME = String.raw`[\w.-]{0,60}?${WORD}`;
/** Gson writes `=`, `&` and quotes as escapes, and what is JSON in JSON escapes those again. */
const EQUALS = String.raw`(?:=|\\{1,15}u003[dD])`;
const AMPERSAND = String.raw`(?:[?&]|\\{1,15}u0026)`;
/** Switches, not secrets: `-vnc :0,password=on`. */
const SWITCH = String.raw`(?!(?:on|off|yes|no|true|false|null|none)(?![\w.+/=-]))`;
/** A bare value: up to a space, a quote, or what separates it from the next one. */
const BARE = String.raw`(?:[^\s&'"<>,;)\]}\\]|\\(?!\\{0,15}(?:u002[267]|u003[ceCE]|["nrt]))|,(?![\s"']|[\w.-]{1,40}=|$)|[;)\]}](?![\s,;.)\]}"'\\]|$))+`;

/** Every pattern; each line that may hold a secret is searched for all of them. */
export const secretPatterns: readonly SecretPattern[] = [
  {
    name: 'json',
    title: 'Strings of JSON whose key is the name of a secret; also JSON within strings of JSON',
    opens: new RegExp(String.raw`${WORD}(?<quote>\\{0,15}")\s{0,8}:\s{0,8}\k<quote>`, 'gi'),
    samples: [
      { before: '{"vncPassword":"Xk3-p_9","name":"v-2-VM"}', after: '{"vncPassword":"*******","name":"v-2-VM"}' },
      {
        before: '"details":{"password":"p,w\\"}d","username":"root"}',
        after: '"details":{"password":"*******","username":"root"}',
      },
      {
        before: '"cmd":"{\\"secretKey\\":\\"a\\\\\\"b\\",\\"id\\":3}"',
        after: '"cmd":"{\\"secretKey\\":\\"******\\",\\"id\\":3}"',
      },
      { before: '"apiKey" : "LIN6rqXuaJwMPfGYFh13"', after: '"apiKey" : "********************"' },
      { before: '{"passwordEnabled":true,"passwordless":"no"}', after: '{"passwordEnabled":true,"passwordless":"no"}' },
      { before: '{"key-secret":"libvirt-2-storage-secret0"}', after: '{"key-secret":"libvirt-2-storage-secret0"}' },
    ],
  },
  {
    name: 'json-number',
    title: 'Numbers of JSON whose key is the name of a secret',
    opens: new RegExp(String.raw`${WORD}(?<quote>\\{0,15}")\s{0,8}:\s{0,8}(?=\d)`, 'gi'),
    secret: /\d+/y,
    samples: [{ before: '{"password":123456,"port":22}', after: '{"password":******,"port":22}' }],
  },
  {
    name: 'user-info',
    title: "`userInfo` of CloudStack's storage pools: what follows the user's name",
    opens: /(?<quote>\\{0,15}")userInfo\k<quote>\s{0,8}:\s{0,8}\k<quote>[^":\\]{0,200}:/g,
    samples: [{ before: '"userInfo":"cloudstack:AQBv3yhe","port":6789', after: '"userInfo":"cloudstack:********","port":6789' }],
  },
  {
    name: 'property',
    title: 'Lines of property files: to the end of the line',
    opens: new RegExp(String.raw`^[ \t]*${NAME}[ \t]*[=:][ \t]*(?=\S)${SWITCH}`, 'gi'),
    secret: /[^\r\n]+/y,
    samples: [
      { before: 'keystore.passphrase=a b,c&d', after: 'keystore.passphrase=*******' },
      { before: 'db.cloud.password = s3cret', after: 'db.cloud.password = ******' },
      { before: 'guest.cpu.mode=host-model', after: 'guest.cpu.mode=host-model' },
    ],
  },
  {
    name: 'assignment',
    title: 'Assignments: parameters of URLs, options of commands, texts of Java objects',
    opens: new RegExp(String.raw`${WORD}${EQUALS}(?!['"\\*]|\\{1,15}u002[27])${SWITCH}`, 'gi'),
    secret: new RegExp(BARE, 'y'),
    samples: [
      {
        before: 'GET /client/api?command=a&apikey=AbC-1_&response=json',
        after: 'GET /client/api?command=a&apikey=******&response=json',
      },
      {
        before: '?username=u\\u0026password\\u003dp%40w\\u0026token=12',
        after: '?username=u\\u0026password\\u003d*****\\u0026token=**',
      },
      { before: 'mount -o username=cloud,password=a,b%c,domain=x', after: 'mount -o username=cloud,password=*****,domain=x' },
      { before: '-vnc 10.0.0.1:2,password=on,websocket=5702', after: '-vnc 10.0.0.1:2,password=on,websocket=5702' },
      { before: '-drive file.password-secret=storage-secret0', after: '-drive file.password-secret=storage-secret0' },
      { before: 'unexpected token: found "]", no password given', after: 'unexpected token: found "]", no password given' },
    ],
  },
  {
    name: 'signature',
    title: 'Signatures of signed URLs',
    opens: new RegExp(String.raw`${AMPERSAND}(?:signature|sig|x-amz-signature)${EQUALS}`, 'gi'),
    secret: new RegExp(BARE, 'y'),
    samples: [{ before: '&apiKey=ab&signature=c3Vt%3D HTTP/1.1', after: '&apiKey=**&signature=******* HTTP/1.1' }],
  },
  {
    name: 'quoted-assignment',
    title: 'Attributes of XML and quoted values: to the same quote',
    opens: new RegExp(String.raw`${WORD}[ \t]?${EQUALS}[ \t]?(?<quote>'|\\{0,15}"|\\{1,15}u002[27])(?!\k<quote>)${SWITCH}`, 'gi'),
    secret: /(?<=(?<quote>'|\\{0,15}"|\\{1,15}u002[27]))(?:(?!\k<quote>)[^\r\n])+/y,
    samples: [
      {
        before: "<graphics type='vnc' port='-1' passwd='aB3 x>9'/>",
        after: "<graphics type='vnc' port='-1' passwd='*******'/>",
      },
      {
        before: 'type=\\u0027vnc\\u0027 passwd\\u003d\\u0027aB3\\u0027/>',
        after: 'type=\\u0027vnc\\u0027 passwd\\u003d\\u0027***\\u0027/>',
      },
      { before: '"xml":"<a passwd=\\"q1\\"/>"', after: '"xml":"<a passwd=\\"**\\"/>"' },
    ],
  },
  {
    name: 'element',
    title: 'Elements of XML whose name is that of a secret',
    opens: new RegExp(String.raw`<${NAME}(?:\s[^<>]{0,500})?>(?=[^\s<])`, 'gi'),
    secret: /[^<\r\n]+/y,
    samples: [
      { before: '<password>p&amp;w</password><name>i-2-3-VM</name>', after: '<password>*******</password><name>i-2-3-VM</name>' },
      {
        before: "<secret type='ceph' uuid='2ec115d7-3a88-3ceb-bc12-0ac909a6fd87'/>",
        after: "<secret type='ceph' uuid='2ec115d7-3a88-3ceb-bc12-0ac909a6fd87'/>",
      },
    ],
  },
  {
    name: 'qemu-secret',
    title: "QEMU's `-object secret` that holds its data itself",
    opens: /-object secret,[^\s]{0,500}?\bdata=|"qom-type":"secret"[^{}\r\n]{0,500}?"data":"/g,
    secret: /[^\s,"']+/y,
    samples: [
      { before: '-object secret,id=vnc0,data=bGV0,keyid=masterKey0', after: '-object secret,id=vnc0,data=****,keyid=masterKey0' },
      {
        before: `-object '{"qom-type":"secret","id":"s0","data":"9e=="}'`,
        after: `-object '{"qom-type":"secret","id":"s0","data":"****"}'`,
      },
      {
        before: '-object secret,id=masterKey0,format=raw,file=/var/lib/libvirt/qemu/domain-4-x/master-key.aes',
        after: '-object secret,id=masterKey0,format=raw,file=/var/lib/libvirt/qemu/domain-4-x/master-key.aes',
      },
    ],
  },
  {
    name: 'ceph-key',
    title: "Ceph's keys, wherever they stand",
    opens: /(?<![\w+/])(?=AQ[A-Za-z0-9+/]{36}==)/g,
    secret: /[A-Za-z0-9+/=]{40}/y,
    samples: [
      {
        before: 'file=rbd:cloud/d1:id=admin:key=AQDtkWFjw2bDExAA0Yw5c2Yq9Iu2n0Zf5CqH2g==:auth_supported=cephx',
        after: `file=rbd:cloud/d1:id=admin:key=${'*'.repeat(40)}:auth_supported=cephx`,
      },
      { before: 'workers.key=VALUE mac=02:00:1c:2f:00:0a', after: 'workers.key=VALUE mac=02:00:1c:2f:00:0a' },
    ],
  },
  {
    name: 'url-password',
    title: 'Passwords before the host of a URL',
    opens: /:(?:\\*\/){2}[^\s/:@"'<>]{0,200}:(?=[^\s/@"'<>]{1,200}@)|\biscsi:\/\/[^\s/%@"']{1,200}%(?=[^\s/@"']{1,200}@)/g,
    secret: /[^\s/@"'<>]+/y,
    samples: [
      { before: 'rbd://cloud:pa:ss@10.0.0.5/pool', after: 'rbd://cloud:*****@10.0.0.5/pool' },
      { before: '"url":"cifs:\\/\\/u:pw@nas\\/x"', after: '"url":"cifs:\\/\\/u:**@nas\\/x"' },
      { before: 'iscsi://chap%p4ss@10.0.0.9/iqn.2026-01.x/1', after: 'iscsi://chap%****@10.0.0.9/iqn.2026-01.x/1' },
      { before: 'qemu+tcp://10.10.0.13:16509/system root@kvm2', after: 'qemu+tcp://10.10.0.13:16509/system root@kvm2' },
    ],
  },
  {
    name: 'authorization',
    title: 'Headers of HTTP that authorise',
    opens:
      /\b(?:Proxy-)?Authorization(?:\\{0,15}")?\s?[:=]\s?(?:\\{0,15}")?(?:Basic|Bearer|Digest|Negotiate|Token|AWS4-HMAC-SHA256) |\bX-(?:Auth|Api|Amz-Security)-(?:Token|Key)(?:\\{0,15}")?\s?[:=]\s?(?:\\{0,15}")?/gi,
    secret: /(?:[^\s"\\,]|,(?=\S)|[, ]{1,2}(?=\w{1,20}=))+/y,
    samples: [
      { before: 'Authorization: Basic Y2xvdWQ6cHc=', after: 'Authorization: Basic ************' },
      { before: '{"Authorization":"Bearer eyJh.b-c","Host":"x"}', after: '{"Authorization":"Bearer ********","Host":"x"}' },
      { before: 'X-Auth-Token: gAAAAB', after: 'X-Auth-Token: ******' },
      { before: 'Authorization: denied for user 3', after: 'Authorization: denied for user 3' },
    ],
  },
  {
    name: 'option',
    title: 'Options of commands whose value is the next word',
    opens:
      /(?<![\w-])(?:--[\w-]{0,40}(?:password|passphrase|secret|token)|-storepass|-keypass|-srcstorepass|-deststorepass)[ \t]+(?=[^\s-])|(?<![\w-])-pass(?:in|out)[ \t]+pass:/g,
    secret: /[^\s\]]+/y,
    samples: [
      { before: 'keytool -list -storepass k5Wq -keystore /etc/x', after: 'keytool -list -storepass **** -keystore /etc/x' },
      { before: 'virt-v2v -ip /tmp/p --password-file /tmp/p', after: 'virt-v2v -ip /tmp/p --password-file /tmp/p' },
    ],
  },
  {
    name: 'keystore-setup',
    title: "The passphrase that CloudStack's agent hands to `keystore-setup` as its third argument",
    opens: /\/keystore-setup \S{1,300} \S{1,300} /g,
    secret: /[^\s\]]+/y,
    samples: [
      {
        before:
          'Executing: /usr/share/cloudstack-common/scripts/util/keystore-setup /etc/cloudstack/agent/agent.properties /etc/cloudstack/agent/cloud.jks pEb4yaVx 365 /etc/cloudstack/agent/cloud.csr',
        after:
          'Executing: /usr/share/cloudstack-common/scripts/util/keystore-setup /etc/cloudstack/agent/agent.properties /etc/cloudstack/agent/cloud.jks ******** 365 /etc/cloudstack/agent/cloud.csr',
      },
    ],
  },
  {
    name: 'private-key',
    title:
      'Blocks of PEM with a private key, on one line or on many; CloudStack writes spaces of it as `~` and line breaks as `^`',
    opens: /-----BEGIN[ ~](?:[A-Z]{1,12}[ ~]){0,3}PRIVATE[ ~]KEY-----/g,
    secret: /(?:(?!-----END)[^"'\r\n])*(?:\r?\n[ \t]*(?:(?:Proc-Type|DEK-Info): [^\r\n]*|[A-Za-z0-9+/=]*)[ \t]*(?=\r?\n|$))*/y,
    samples: [
      {
        before: '-----BEGIN RSA PRIVATE KEY-----\nMIIE+a/b\nq8==\n-----END RSA PRIVATE KEY-----\n2026-08-10 14:00:00,131 INFO',
        after: '-----BEGIN RSA PRIVATE KEY-----\n********\n****\n-----END RSA PRIVATE KEY-----\n2026-08-10 14:00:00,131 INFO',
      },
      {
        before: '{"pem":"-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\\n","id":1}',
        after: '{"pem":"-----BEGIN PRIVATE KEY-----********-----END PRIVATE KEY-----\\n","id":1}',
      },
      {
        before: '-----BEGIN~RSA~PRIVATE~KEY-----^MIIE^-----END~RSA~PRIVATE~KEY-----',
        after: '-----BEGIN~RSA~PRIVATE~KEY-----******-----END~RSA~PRIVATE~KEY-----',
      },
      { before: '-----BEGIN CERTIFICATE-----\nMIIC', after: '-----BEGIN CERTIFICATE-----\nMIIC' },
    ],
  },
];
