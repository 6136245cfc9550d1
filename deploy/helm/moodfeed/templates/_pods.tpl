{{- /* What every pod has: (list . "gateway") */ -}}
{{- define "moodfeed.podMetadata" -}}
labels:
  {{- include "moodfeed.labels" . | nindent 2 }}
  {{- with (first .).Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with (first .).Values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "moodfeed.podSettings" -}}
serviceAccountName: {{ include "moodfeed.serviceAccount" . | quote }}
automountServiceAccountToken: false
enableServiceLinks: false # else Kubernetes sets variables that look like settings
securityContext:
  {{- $default := dict "runAsNonRoot" true "seccompProfile" (dict "type" "RuntimeDefault") }}
  {{- toYaml (mergeOverwrite $default (deepCopy .Values.podSecurityContext)) | nindent 2 }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "moodfeed.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- /* Replicas on different nodes and zones where there are some: (list . "gateway") */ -}}
{{- define "moodfeed.spread" -}}
{{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- topologyKey: {{ $key }}
  maxSkew: 1
  whenUnsatisfiable: ScheduleAnyway
  matchLabelKeys: [pod-template-hash]
  labelSelector:
    matchLabels:
      {{- include "moodfeed.componentSelector" $ | nindent 6 }}
{{- end }}
{{- end }}

{{- /* A setting a line; (dict "NAME" "value") */ -}}
{{- define "moodfeed.env" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  {{- $isWhole := and (kindIs "float64" $value) (eq (floor $value) $value) }}
  value: {{ ternary ($value | int64) $value $isWhole | toString | quote }}
{{- end }}
{{- end }}

{{- /*
Refuses an env that sets what the chart sets, such as an address at which probes, services and policies find the process:
(list . "gateway" $values.env $set)
*/ -}}
{{- define "moodfeed.refuseOverrides" -}}
{{- $set := last . }}
{{- $store := include "moodfeed.storeEnv" (first .) | fromYamlArray }}
{{- range $name, $_ := index . 2 }}
{{- if hasKey $set $name }}
{{- fail (printf "%s.env: the chart itself sets %s" (index $ 1) $name) }}
{{- end }}
{{- range $store }}
{{- if eq .name $name }}
{{- fail (printf "%s.env: the chart itself sets %s" (index $ 1) $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Adds to settings those of traces, which a component's own may replace: (list . $env) */ -}}
{{- define "moodfeed.addTraces" -}}
{{- with (first .).Values.traces }}
{{- if .endpoint }}
{{- $_ := set (last $) "MOODFEED_TRACES_ENDPOINT" .endpoint }}
{{- $_ := set (last $) "MOODFEED_TRACES_RATIO" .ratio }}
{{- end }}
{{- end }}
{{- end }}

{{- define "moodfeed.storeEnv" -}}
{{- if .Values.store.existingSecret }}
- name: MOODFEED_STORE_URL
  valueFrom:
    secretKeyRef: { name: {{ .Values.store.existingSecret | quote }}, key: {{ .Values.store.urlKey | quote }} }
{{- if .Values.store.passwordKey }}
- name: MOODFEED_STORE_PASSWORD_FILE
  value: /secrets/store/password
{{- end }}
{{- end }}
{{- end }}

{{- define "moodfeed.storeMount" -}}
{{- if and .Values.store.existingSecret .Values.store.passwordKey }}
- { name: store-password, mountPath: /secrets/store, readOnly: true }
{{- end }}
{{- end }}

{{- define "moodfeed.storeVolume" -}}
{{- if and .Values.store.existingSecret .Values.store.passwordKey }}
- name: store-password
  secret:
    secretName: {{ .Values.store.existingSecret | quote }}
    defaultMode: 0440
    items: [{ key: {{ .Values.store.passwordKey | quote }}, path: password }]
{{- end }}
{{- end }}

{{- /* Readable by group 0, in which the images run, or by podSecurityContext.fsGroup: (list "name" "secret") */ -}}
{{- define "moodfeed.secretVolume" -}}
- name: {{ first . }}
  secret: { secretName: {{ required (printf "the volume %s needs the name of a secret" (first .)) (last .) | quote }}, defaultMode: 0440 }
{{- end }}
