import type { Sample } from '../parser.ts';

/** libvirt 7.0, destination: commas in the package text, `mac=`, `-m 512`. */
const DEST_7_0 = String.raw`2026-11-23 21:43:13.932+0000: starting up libvirt version: 7.0.0, package: 3+deb11u3 (Guilhem Moulin <guilhem@debian.org> Tue, 30 Jul 2024 21:35:28 +0200), qemu version: 5.2.0Debian 1:5.2+dfsg-11+deb11u3, kernel: 6.18.44-fc-v782, hostname: kvm-b
LC_ALL=C \
PATH=/usr/sbin:/usr/bin:/sbin:/bin \
HOME=/var/lib/libvirt/qemu/domain-1-i-2-31-VM \
XDG_DATA_HOME=/var/lib/libvirt/qemu/domain-1-i-2-31-VM/.local/share \
XDG_CACHE_HOME=/var/lib/libvirt/qemu/domain-1-i-2-31-VM/.cache \
XDG_CONFIG_HOME=/var/lib/libvirt/qemu/domain-1-i-2-31-VM/.config \
QEMU_AUDIO_DRV=none \
/usr/bin/qemu-system-x86_64 \
-name guest=i-2-31-VM,debug-threads=on \
-S \
-object secret,id=masterKey0,format=raw,file=/var/lib/libvirt/qemu/domain-1-i-2-31-VM/master-key.aes \
-machine pc-i440fx-5.2,accel=tcg,usb=off,dump-guest-core=off,memory-backend=pc.ram \
-cpu qemu64,hypervisor=on,lahf-lm=on \
-m 512 \
-object memory-backend-ram,id=pc.ram,size=536870912 \
-overcommit mem-lock=off \
-smp 1,sockets=1,cores=1,threads=1 \
-uuid a2dd01dc-e9a3-4853-b882-20fe31dd36f5 \
-display none \
-no-user-config \
-nodefaults \
-chardev socket,id=charmonitor,fd=31,server,nowait \
-mon chardev=charmonitor,id=monitor,mode=control \
-rtc base=utc \
-no-shutdown \
-boot strict=on \
-kernel /var/lib/libvirt/images/vmlinuz \
-initrd /var/lib/libvirt/images/initrd.gz \
-append 'console=ttyS0 quiet lab.dirty=64,4 lab.ip=10.77.0.100/24 lab.talk=5' \
-device piix3-usb-uhci,id=usb,bus=pci.0,addr=0x1.0x2 \
-netdev tap,fd=32,id=hostnet0 \
-device virtio-net-pci,netdev=hostnet0,id=net0,mac=02:00:4c:31:00:1f,bus=pci.0,addr=0x2 \
-chardev file,id=charserial0,path=/var/lib/libvirt/qemu/i-2-31-VM.console \
-device isa-serial,chardev=charserial0,id=serial0 \
-incoming defer \
-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny \
-msg timestamp=on`;

/** libvirt 9.0, source: JSON devices, `-m 512`. */
const SOURCE_9_0 = String.raw`2026-11-23 04:54:35.237+0000: starting up libvirt version: 9.0.0, package: 9.0.0-4+deb12u2 (Debian), qemu version: 7.2.22Debian 1:7.2+dfsg-7+deb12u18+b3, kernel: 6.18.44-fc-v769, hostname: kvm-a
LC_ALL=C \
PATH=/usr/sbin:/usr/bin:/sbin:/bin \
HOME=/var/lib/libvirt/qemu/domain-1-i-2-31-VM \
XDG_DATA_HOME=/var/lib/libvirt/qemu/domain-1-i-2-31-VM/.local/share \
XDG_CACHE_HOME=/var/lib/libvirt/qemu/domain-1-i-2-31-VM/.cache \
XDG_CONFIG_HOME=/var/lib/libvirt/qemu/domain-1-i-2-31-VM/.config \
/usr/bin/qemu-system-x86_64 \
-name guest=i-2-31-VM,debug-threads=on \
-S \
-object '{"qom-type":"secret","id":"masterKey0","format":"raw","file":"/var/lib/libvirt/qemu/domain-1-i-2-31-VM/master-key.aes"}' \
-machine pc-i440fx-7.2,usb=off,dump-guest-core=off,memory-backend=pc.ram \
-accel tcg \
-cpu qemu64 \
-m 512 \
-object '{"qom-type":"memory-backend-ram","id":"pc.ram","size":536870912}' \
-overcommit mem-lock=off \
-smp 1,sockets=1,cores=1,threads=1 \
-uuid 4907a0bb-f299-44eb-8d5f-ee9c8410c514 \
-display none \
-no-user-config \
-nodefaults \
-chardev socket,id=charmonitor,fd=27,server=on,wait=off \
-mon chardev=charmonitor,id=monitor,mode=control \
-rtc base=utc \
-no-shutdown \
-boot strict=on \
-kernel /var/lib/libvirt/images/vmlinuz \
-initrd /var/lib/libvirt/images/initrd.gz \
-append 'console=ttyS0 quiet lab.dirty=64,4 lab.ip=10.77.0.100/24 lab.talk=5' \
-device '{"driver":"piix3-usb-uhci","id":"usb","bus":"pci.0","addr":"0x1.0x2"}' \
-netdev '{"type":"tap","fd":"31","id":"hostnet0"}' \
-device '{"driver":"virtio-net-pci","netdev":"hostnet0","id":"net0","mac":"02:00:4c:31:00:1f","bus":"pci.0","addr":"0x2"}' \
-add-fd set=0,fd=26,opaque=serial0-source \
-chardev file,id=charserial0,path=/dev/fdset/0,append=on \
-device '{"driver":"isa-serial","chardev":"charserial0","id":"serial0","index":0}' \
-audiodev '{"id":"audio1","driver":"none"}' \
-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny \
-msg timestamp=on`;

/** libvirt 11.3, destination: `-m size=524288k`. */
const DEST_11_3 = String.raw`2026-11-23 21:26:27.358+0000: starting up libvirt version: 11.3.0, package: 11.3.0-3+deb13u3 (Debian), qemu version: 10.0.13Debian 1:10.0.13+ds-0+deb13u1, kernel: 6.18.44-fc-v782, hostname: kvm-b
LC_ALL=C \
PATH=/usr/sbin:/usr/bin:/sbin:/bin \
HOME=/var/lib/libvirt/qemu/domain-1-i-2-31-VM \
XDG_DATA_HOME=/var/lib/libvirt/qemu/domain-1-i-2-31-VM/.local/share \
XDG_CACHE_HOME=/var/lib/libvirt/qemu/domain-1-i-2-31-VM/.cache \
XDG_CONFIG_HOME=/var/lib/libvirt/qemu/domain-1-i-2-31-VM/.config \
/usr/bin/qemu-system-x86_64 \
-name guest=i-2-31-VM,debug-threads=on \
-S \
-object '{"qom-type":"secret","id":"masterKey0","format":"raw","file":"/var/lib/libvirt/qemu/domain-1-i-2-31-VM/master-key.aes"}' \
-machine pc-i440fx-10.0,usb=off,dump-guest-core=off,memory-backend=pc.ram,acpi=on \
-accel tcg \
-cpu qemu64,hypervisor=on,lahf-lm=on \
-m size=524288k \
-object '{"qom-type":"memory-backend-ram","id":"pc.ram","size":536870912}' \
-overcommit mem-lock=off \
-smp 1,sockets=1,cores=1,threads=1 \
-uuid 4a808ac8-d824-4e6c-bc7d-71138ed936a1 \
-display none \
-no-user-config \
-nodefaults \
-chardev socket,id=charmonitor,fd=27,server=on,wait=off \
-mon chardev=charmonitor,id=monitor,mode=control \
-rtc base=utc \
-no-shutdown \
-boot strict=on \
-kernel /var/lib/libvirt/images/vmlinuz \
-initrd /var/lib/libvirt/images/initrd.gz \
-append 'console=ttyS0 quiet lab.dirty=64,4 lab.ip=10.77.0.100/24 lab.talk=5' \
-device '{"driver":"piix3-usb-uhci","id":"usb","bus":"pci.0","addr":"0x1.0x2"}' \
-netdev '{"type":"tap","fd":"30","id":"hostnet0"}' \
-device '{"driver":"virtio-net-pci","netdev":"hostnet0","id":"net0","mac":"02:00:4c:31:00:1f","bus":"pci.0","addr":"0x2"}' \
-add-fd set=0,fd=26,opaque=serial0-source \
-chardev file,id=charserial0,path=/dev/fdset/0,append=on \
-device '{"driver":"isa-serial","chardev":"charserial0","id":"serial0","index":0}' \
-audiodev '{"id":"audio1","driver":"none"}' \
-incoming defer \
-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny \
-msg timestamp=on`;

/** The layout of libvirt 4.5 on CentOS 7 (the command in one line), with values of our own. */
const ONE_LINE_4_5 = `2021-03-09 22:15:07.481+0000: starting up libvirt version: 4.5.0, package: 36.el7_9.3 (CentOS BuildSystem <http://bugs.centos.org>, 2020-11-16-16:25:20, x86-01.bsys.centos.org), qemu version: 2.12.0qemu-kvm-ev-2.12.0-44.1.el7_8.1, kernel: 3.10.0-1160.15.2.el7.x86_64, hostname: kvm-b.example.org
LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin QEMU_AUDIO_DRV=none /usr/libexec/qemu-kvm -name guest=i-2-12-VM,debug-threads=on -S -object secret,id=masterKey0,format=raw,file=/var/lib/libvirt/qemu/domain-7-i-2-12-VM/master-key.aes -machine pc-i440fx-rhel7.6.0,accel=kvm,usb=off,dump-guest-core=off -cpu Haswell-noTSX-IBRS,vme=on -m 4096 -realtime mlock=off -smp 2,sockets=2,cores=1,threads=1 -uuid 45da8996-7949-463d-997b-ec1d7b277bb6 -netdev tap,fd=28,id=hostnet0,vhost=on,vhostfd=30 -device virtio-net-pci,netdev=hostnet0,id=net0,mac=02:00:4c:31:00:0c,bus=pci.0,addr=0x3 -netdev tap,fd=31,id=hostnet1,vhost=on,vhostfd=32 -device virtio-net-pci,netdev=hostnet1,id=net1,mac=02:00:4c:31:00:0d,bus=pci.0,addr=0x4 -incoming defer -msg timestamp=on`;

/** Start banners with their command dumps. */
export const START_SAMPLES: readonly Sample[] = [
  {
    record: DEST_7_0,
    vm: 'i-2-31-VM',
    at: '2026-11-23T21:43:13.932Z',
    events: [
      {
        kind: 'domain-started',
        vm: 'i-2-31-VM',
        incoming: true,
        libvirtVersion: '7.0.0',
        qemuVersion: '5.2.0',
        hostname: 'kvm-b',
        uuid: 'a2dd01dc-e9a3-4853-b882-20fe31dd36f5',
        macs: ['02:00:4c:31:00:1f'],
        machine: 'pc-i440fx-5.2',
        cpu: 'qemu64',
        memoryBytes: 512 * 2 ** 20,
      },
    ],
  },
  {
    record: SOURCE_9_0,
    vm: 'i-2-31-VM',
    at: '2026-11-23T04:54:35.237Z',
    events: [
      {
        kind: 'domain-started',
        vm: 'i-2-31-VM',
        incoming: false,
        libvirtVersion: '9.0.0',
        qemuVersion: '7.2.22',
        hostname: 'kvm-a',
        uuid: '4907a0bb-f299-44eb-8d5f-ee9c8410c514',
        macs: ['02:00:4c:31:00:1f'],
        machine: 'pc-i440fx-7.2',
        cpu: 'qemu64',
        memoryBytes: 512 * 2 ** 20,
      },
    ],
  },
  {
    record: DEST_11_3,
    at: '2026-11-23T21:26:27.358Z',
    events: [
      {
        kind: 'domain-started',
        vm: 'i-2-31-VM',
        incoming: true,
        libvirtVersion: '11.3.0',
        qemuVersion: '10.0.13',
        hostname: 'kvm-b',
        uuid: '4a808ac8-d824-4e6c-bc7d-71138ed936a1',
        macs: ['02:00:4c:31:00:1f'],
        machine: 'pc-i440fx-10.0',
        cpu: 'qemu64',
        memoryBytes: 512 * 2 ** 20,
      },
    ],
  },
  {
    record: ONE_LINE_4_5,
    vm: 'i-2-12-VM',
    at: '2021-03-09T22:15:07.481Z',
    events: [
      {
        kind: 'domain-started',
        vm: 'i-2-12-VM',
        incoming: true,
        libvirtVersion: '4.5.0',
        qemuVersion: '2.12.0',
        hostname: 'kvm-b.example.org',
        uuid: '45da8996-7949-463d-997b-ec1d7b277bb6',
        macs: ['02:00:4c:31:00:0c', '02:00:4c:31:00:0d'],
        machine: 'pc-i440fx-rhel7.6.0',
        cpu: 'Haswell-noTSX-IBRS',
        memoryBytes: 4096 * 2 ** 20,
      },
    ],
  },
];
