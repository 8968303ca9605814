import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import type { Span } from '../../model/span.ts';
import { isUnusable, parseAddress, parseSubnet, type Subnet } from '../../model/subnet.ts';

/** An IPv4 address of one host, or what is wrong with it. `what`: `the address of lana`. */
export function readAddress(what: string, text: string, place: () => Span): string | Diagnostic {
  const address = parseAddress(text);
  if (typeof address === 'string' && !isUnusable(address)) return address;
  const span = place();
  const found = JSON.stringify(text);
  if (typeof address === 'string') {
    const message = `${what} is no address that another host can reach this one by`;
    return error('address-unusable', message, { span, found, fix: 'its own address, such as 203.0.113.1' });
  }
  if (address.fault === 'octal') {
    return error('address-octal', `${what} has leading zeros, which some programs read as octal`, {
      span,
      found,
      fix: `${decimal(text)}, without leading zeros`,
    });
  }
  if (address.fault === 'zone') {
    return error('address-zone', `${what} is an IPv6 address with a zone, which means something on one host only`, {
      span,
      found,
      fix: 'an IPv4 address, such as 203.0.113.1',
    });
  }
  if (address.fault === 'ipv6') {
    return error('address-ipv6', `${what} is no IPv4 address; the network scripts set up tunnels over IPv4 only`, {
      span,
      found,
      fix: 'an IPv4 address, such as 203.0.113.1',
    });
  }
  return error('address-invalid', `${what} is no IPv4 address`, { span, found, fix: addressFix(text) });
}

/** A network in CIDR notation, or what is wrong with it. */
export function readNetwork(what: string, text: string, place: () => Span): Subnet | Diagnostic {
  const network = parseSubnet(text);
  if (!('fault' in network)) return network;
  const span = place();
  const found = JSON.stringify(text);
  const [address = '', prefix = ''] = text.split('/');
  switch (network.fault) {
    case 'host-bits':
      return error('network-host-bits', `${what} has host bits set: ${text} is an address in it`, {
        span,
        found,
        fix: network.suggestion,
      });
    case 'prefix':
      return error('network-prefix', `${what} has no prefix length from 0 to 32`, {
        span,
        found,
        fix: `${address}/24 for 256 addresses, ${address}/32 for this one alone`,
      });
    case 'octal':
      return error('network-octal', `${what} has leading zeros, which some programs read as octal`, {
        span,
        found,
        fix: `${decimal(address)}/${prefix}, without leading zeros`,
      });
    default:
      return error('network-invalid', `${what} is no IPv4 network in CIDR notation`, {
        span,
        found,
        fix: networkFix(text),
      });
  }
}

function decimal(text: string): string {
  return text
    .split('.')
    .map((octet) => octet.replace(/^0+(?=\d)/, ''))
    .join('.');
}

function addressFix(text: string): string {
  if (/\{[{%]/.test(text)) return 'an address; templates belong into the host variable ipsec_address';
  if (text.includes('/')) return `${text.split('/')[0]}, without a prefix length`;
  return 'four numbers from 0 to 255, such as 203.0.113.1';
}

function networkFix(text: string): string {
  if (/\{[{%]/.test(text)) return 'a network; templates belong into the host variable ipsec_network';
  if (typeof parseAddress(text) === 'string') return `${text}/24, with the right prefix length`;
  return 'address and prefix length, such as 192.168.1.0/24';
}
