import type { Content } from '../../../model/content.ts';
import type { Perspective, Tunnel } from '../../../model/tunnel.ts';
import { type Assignment, assign, assignments } from './assignment.ts';

/**
 * `ifcfg-NICK` of one end: first the lines of Red Hat's chapters, in their order, then what the tunnel asks for beside
 * them, in the order of sysconfig.txt. A field that the inventory leaves out is left out here: the scripts' default holds.
 */
export function ifcfg(end: Perspective): Content {
  return assignments([
    ...chapterLines(end),
    ...certificateLines(end),
    ...phase1Lines(end.tunnel),
    ...protocolLines(end.tunnel),
    ...spiLines(end),
  ]);
}

type Lines = readonly (Assignment | null)[];

function chapterLines({ tunnel, src, dst }: Perspective): Lines {
  const peer = assign('DST', dst.address);
  const common = [
    assign('TYPE', 'IPSEC'),
    assign('ONBOOT', tunnel.onboot ? 'yes' : 'no'),
    assign('IKE_METHOD', ikeMethod(tunnel)),
  ];
  if (tunnel.type === 'host-to-host') return [peer, ...common];
  return [
    ...common,
    assign('SRCGW', src.gateway),
    assign('DSTGW', dst.gateway),
    assign('SRCNET', src.network?.cidr),
    assign('DSTNET', dst.network?.cidr),
    peer,
  ];
}

/** None with manual keying: to the scripts any IKE_METHOD means automatic keying. */
function ikeMethod({ keying }: Tunnel): string | undefined {
  return { psk: 'PSK', x509: 'X509', manual: undefined }[keying.method];
}

function certificateLines({ tunnel: { keying }, index }: Perspective): Lines {
  if (keying.method !== 'x509') return [];
  return [
    assign('IKE_CERTFILE', keying.certificates[index]),
    assign('IKE_PEER_CERTFILE', keying.peer === 'file' ? keying.certificates[index === 0 ? 1 : 0] : undefined),
    assign('IKE_DNSSEC', keying.peer === 'dns' ? 'yes' : undefined),
  ];
}

function phase1Lines({ ike, keying }: Tunnel): Lines {
  if (keying.method === 'manual') return [];
  return [assign('IKE_DHGROUP', ike.dhGroup), assign('IKE_AUTH', ike.hash), assign('IKE_ENC', ike.encryption)];
}

/** The names are spelled as whoever gets them wants them: racoon, or with manual keying setkey. */
function protocolLines({ ah, esp }: Tunnel): Lines {
  return [
    assign('AH_PROTO', ah === false ? 'none' : ah.authentication),
    assign('ESP_PROTO', esp === false ? 'none' : esp.encryption),
    assign('AESP_PROTO', esp === false ? undefined : esp.authentication),
  ];
}

/** What the peer sends is `_IN`, what this host sends is `_OUT`. */
function spiLines({ tunnel: { keying }, index }: Perspective): Lines {
  if (keying.method !== 'manual') return [];
  const [sent, received] = index === 0 ? keying.sent : [keying.sent[1], keying.sent[0]];
  return [
    assign('SPI_AH_IN', spi(received.ah?.spi)),
    assign('SPI_AH_OUT', spi(sent.ah?.spi)),
    assign('SPI_ESP_IN', spi(received.esp?.spi)),
    assign('SPI_ESP_OUT', spi(sent.esp?.spi)),
  ];
}

function spi(value: number | undefined): string | undefined {
  return value === undefined ? undefined : `0x${value.toString(16)}`;
}
