/** Dice rolls, `11111` to `66666`, to words. The package comes without types; `paths` in the tsconfig leads here. */
declare const words: Readonly<Record<string, string>>
export default words
