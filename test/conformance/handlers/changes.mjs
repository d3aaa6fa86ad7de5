export async function tools (_args, context) {
  await context.announce({ kind: 'tools' })
  return 'Announced.'
}

export async function prompts (_args, context) {
  await context.announce({ kind: 'prompts' })
  return 'Announced.'
}
