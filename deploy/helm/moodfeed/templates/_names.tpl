{{- define "moodfeed.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "moodfeed.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "moodfeed.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "moodfeed.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "moodfeed.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "moodfeed.fullname" .) }}
{{- end }}

{{- /* Of all pods of the release, and of one component of it: (list . "gateway") */ -}}
{{- define "moodfeed.selector" -}}
app.kubernetes.io/name: {{ include "moodfeed.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "moodfeed.componentSelector" -}}
{{ include "moodfeed.selector" (first .) }}
app.kubernetes.io/component: {{ last . }}
{{- end }}

{{- define "moodfeed.labels" -}}
{{ include "moodfeed.componentSelector" . }}
app.kubernetes.io/version: {{ (first .).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (first .).Release.Service }}
helm.sh/chart: {{ printf "%s-%s" (first .).Chart.Name (first .).Chart.Version }}
{{- end }}

{{- /* (list . .Values.gateway.image "gateway") */ -}}
{{- define "moodfeed.image" -}}
{{- $common := (index . 0).Values.image }}
{{- $own := index . 1 }}
{{- $name := $own.name | default (index . 2) }}
{{- $whole := ternary $name (printf "%s/%s" (trimSuffix "/" $common.registry) $name) (empty $common.registry) }}
{{- if $own.digest }}
{{- printf "%s@%s" $whole $own.digest }}
{{- else }}
{{- printf "%s:%s" $whole ($own.tag | default $common.tag | default (index . 0).Chart.AppVersion) }}
{{- end }}
{{- end }}
