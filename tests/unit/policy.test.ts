import { describe, expect, test } from 'vitest'
import {
  ACTIONS,
  ASKERS,
  asContributor,
  asStaff,
  assertMay,
  assertOwn,
  may,
  seesOnlyAssigned,
  type Action,
  type Asker,
} from '../../src/access/policy.ts'
import type { AppError } from '../../src/domain/errors.ts'
import type { Principal } from '../../src/domain/people.ts'

const A = 'proj_00000000000000000000000000000001' as const
const B = 'proj_00000000000000000000000000000002' as const

function asker(role: Asker): Principal {
  if (role === 'anonymous') return { kind: 'anonymous' }
  if (role === 'contributor') {
    return {
      kind: 'contributor',
      contributorId: 'contrib_1',
      projectId: A,
      paused: false,
      quotaBytes: 1,
      key: new Uint8Array(32),
    }
  }
  return { kind: 'staff', staffId: 'staff_1', projectId: A, role, name: 'x' }
}

function codeOf(work: () => void): string | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    return (error as AppError).code
  }
}

describe('the policy table', () => {
  test('says who may do what, and any change of it is seen here', () => {
    const marks = Object.fromEntries(
      Object.keys(ACTIONS).map((action) => [
        action,
        ASKERS.filter((role) => may(role, action as Action)).join(' '),
      ]),
    )
    const all = 'anonymous contributor editor translator admin'
    expect(marks).toEqual({
      'health.read': all,
      'page.read': all,
      'page.act': all,
      'session.open': all,
      'session.close': all,
      'join.use': all,
      'uploads.list': 'contributor',
      'uploads.read': 'contributor',
      'uploads.write': 'contributor',
      'session.read': 'editor translator admin',
      'clips.list': 'editor translator admin',
      'clips.read': 'editor translator admin',
      'clips.play': 'editor translator admin',
      'clips.change': 'editor admin',
      'clips.assign': 'editor admin',
      'clips.release': 'editor admin',
      'clips.download': 'editor admin',
      'selects.write': 'editor admin',
      'comments.write': 'editor translator admin',
      'bins.read': 'editor admin',
      'bins.write': 'editor admin',
      'exports.read': 'editor admin',
      'people.read': 'admin',
      'people.invite': 'admin',
      'people.change': 'admin',
      'people.revoke': 'admin',
      'server.read': 'admin',
      'server.change': 'admin',
      'vault.set': 'admin',
      'jobs.retry': 'admin',
    })
  })

  test('is what the check in each route follows, with its own word for nobody and for the wrong role', () => {
    for (const action of Object.keys(ACTIONS) as Action[]) {
      for (const role of ASKERS) {
        const wanted = may(role, action) ? undefined : role === 'anonymous' ? 'not_signed_in' : 'forbidden'
        expect(
          codeOf(() => {
            assertMay(asker(role), action)
          }),
          `${role} ${action}`,
        ).toBe(wanted)
      }
    }
  })
})

describe('ownership', () => {
  test('answers what is foreign as if it were not there', () => {
    const editor = asker('editor')
    expect(
      codeOf(() => {
        assertOwn(editor, { project_id: A })
      }),
    ).toBeUndefined()
    expect(
      codeOf(() => {
        assertOwn(editor, { project_id: B })
      }),
    ).toBe('not_found')
    expect(
      codeOf(() => {
        assertOwn(editor, undefined)
      }),
    ).toBe('not_found')
    expect(
      codeOf(() => {
        assertOwn(asker('anonymous'), { project_id: A })
      }),
    ).toBe('not_found')
  })

  test('narrows a translator, and nobody else, to what is assigned', () => {
    expect(ASKERS.filter((role) => seesOnlyAssigned(asker(role)))).toEqual(['translator'])
  })

  test('takes a colleague for a colleague and a contributor for a contributor only', () => {
    expect(
      ASKERS.filter(
        (role) =>
          codeOf(() => {
            asStaff(asker(role))
          }) === undefined,
      ),
    ).toEqual(['editor', 'translator', 'admin'])
    expect(
      ASKERS.filter(
        (role) =>
          codeOf(() => {
            asContributor(asker(role))
          }) === undefined,
      ),
    ).toEqual(['contributor'])
  })
})
