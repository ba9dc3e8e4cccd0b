import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'

/**
 * One call or name that is banned, with the reason a person reads when they meet it.
 * @param {string} selector
 * @param {string} message
 */
const ban = (selector, message) => ({ selector, message })

const everywhere = [
  ban("MemberExpression[object.name='Math'][property.name='random']", 'Guessable. Use node:crypto.'),
  ban('ExportDefaultDeclaration', 'Export by name, so that a thing is called the same everywhere.'),
  ban('TSEnumDeclaration', 'Types are stripped, not compiled: use a union or an `as const` object.'),
]

const ciphers = ['createCipheriv', 'createDecipheriv'].flatMap((name) => [
  ban(`CallExpression[callee.name='${name}']`, 'Encryption has one door: src/adapters/sealing.ts.'),
  ban(`MemberExpression[property.name='${name}']`, 'Encryption has one door: src/adapters/sealing.ts.'),
])

const environment = [
  ban(
    "MemberExpression[object.name='process'][property.name='env']",
    'The environment has one reader: src/config/env.ts.',
  ),
  ban(
    "ImportDeclaration[source.value=/^(node:)?process$/] ImportSpecifier[imported.name='env']",
    'The environment has one reader: src/config/env.ts.',
  ),
]

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', 'storage/', 'tests/fixtures/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error', noInlineConfig: true } },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // `() => void promise` and `onClick={() => act()}` say what they mean.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // An adapter of a promise-shaped port may have nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      // What was caught is unknown, and passing it on unchanged is right.
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
      // Spreading a text into its code points is what our alphabets and digit maps mean.
      '@typescript-eslint/no-misused-spread': ['error', { allow: ['string'] }],
      '@typescript-eslint/ban-ts-comment': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' },
      ],
      eqeqeq: 'error',
      'no-console': 'error',
      'no-eval': 'error',
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'], location: 'anywhere' }],
      'no-restricted-syntax': ['error', ...everywhere, ...ciphers, ...environment],
    },
  },
  {
    // The one reader of the environment, and the one door to encryption.
    files: ['src/config/env.ts'],
    rules: { 'no-restricted-syntax': ['error', ...everywhere, ...ciphers] },
  },
  {
    files: ['src/adapters/sealing.ts'],
    rules: { 'no-restricted-syntax': ['error', ...everywhere, ...environment] },
  },
  {
    files: ['src/web/**'],
    rules: {
      // Nothing stays on the phone, and the desk keeps its state on the server.
      'no-restricted-globals': [
        'error',
        ...['localStorage', 'sessionStorage', 'indexedDB', 'caches'].map((name) => ({
          name,
          message: 'Pages leave no trace; state lives on the server.',
        })),
      ],
    },
  },
  {
    // Declares what a package of others exports, as it exports it.
    files: ['**/*.d.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    // Tests set up processes and their environment, and look at what the outside world answered.
    files: ['tests/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...everywhere] },
  },
  {
    // Tools ask for a default export, and these files belong to no project of the compiler's services.
    files: ['.config/**', 'scripts/**', '*.cjs'],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { 'no-restricted-syntax': 'off', 'no-console': 'off' },
    languageOptions: { parserOptions: { projectService: false } },
  },
)
