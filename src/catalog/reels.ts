/**
 * Reel names: what a clip is called on the telephone, in a cut list and as a file.
 *
 * Two words and two digits, eight characters: a CMX 3600 list has room for no more. Drawn at random, so that a name
 * says nothing about who sent the clip or in which order clips came. There are 2.7 million of them.
 */
import { randomInt } from 'node:crypto'

const WORDS = (
  'ACE ACT AIR ANT APE ARC ARK ARM ART ASH AXE BAG BAR BAT BAY BEE BET BIB BOB BOW BOX BUD BUG BUN BUS CAB CAP CAR ' +
  'CAT COB COD COG COT COW CUB CUE CUP DAB DAY DEN DEW DIM DOE DOT DUO DYE EAR EEL EGG ELF ELK ELM EMU EVE EYE FAN FAR ' +
  'FIG FIN FIR FLY FOB FOG FOX FUR GAP GEM GNU GUM HAM HAT HAY HEN HEX HIP HIT HOP HUB HUE HUM HUT ICE INK INN IVY JAM ' +
  'JAR JAY JET JIG JOY JUG KEY KIT KIN LAB LAP LAW LEG LID LIP LOG LOT MAP MAT MIX MOP MUG NAP NET NIB NOD NUT OAK OAR ' +
  'OAT ORB OWL PAD PAN PAW PEA PEN PET PIE PIN POD POT PUP RAY RIB RIM ROD ROW RUG RYE SAP SEA SKY SUM SUN TAB TAG ' +
  'TAN TAR TEA TIN TIP TOP TOY TUB TUG URN VAN VAT VET VIA VOW WAX WEB WIG WOK YAK YAM YES ZIP ZOO'
).split(' ')

/** Draws a reel name: eight characters, `A`–`Z` and two digits. Not yet known to be free. */
export function drawReel(): string {
  const word = (): string => WORDS[randomInt(WORDS.length)] ?? 'OAK'
  return `${word()}${word()}${String(randomInt(100)).padStart(2, '0')}`
}
