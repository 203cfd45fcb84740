export { about, marks, missing, verdict } from './words'
export { Why } from './why'
