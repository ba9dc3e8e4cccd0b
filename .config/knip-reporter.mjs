import { relative } from 'node:path'

/** What each kind of finding means. */
const KINDS = {
  files: 'file that nothing uses',
  dependencies: 'dependency that nothing imports',
  devDependencies: 'dependency that nothing imports',
  optionalPeerDependencies: 'optional peer that is imported',
  unlisted: 'import of a package that package.json does not list',
  binaries: 'program that no package provides',
  unresolved: 'import that leads nowhere',
  exports: 'export that nothing imports',
  types: 'exported type that nothing imports',
  nsExports: 'export that nothing imports',
  nsTypes: 'exported type that nothing imports',
  enumMembers: 'member that nothing uses',
  namespaceMembers: 'member that nothing uses',
  duplicates: 'thing exported twice',
}

/** @type {import('knip').Reporter} */
export default ({ issues, counters }) => {
  let found = 0
  for (const [kind, perFiles] of Object.entries(issues)) {
    const name = KINDS[/** @type {keyof typeof KINDS} */ (kind)]
    if (name === undefined) continue
    for (const perFile of Object.values(perFiles)) {
      for (const issue of Object.values(perFile)) {
        found += 1
        console.log(
          `${relative('', issue.filePath)}${issue.line ? `:${issue.line}` : ''}  ${issue.symbol ?? ''}  (${name})`,
        )
      }
    }
  }
  console.log(`knip read ${counters.processed} files, found ${found}`)
}
